//! Reads a packet, and believes nothing of it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::{STATEMENT, statement};
use crate::base::{Error, Result};
use crate::disk;
use crate::git::Oid;
use crate::stage::verify::Files;

/// A larger member is none of ours.
const LARGEST: u64 = 1 << 30;

/// Members by name.
#[derive(Debug, Clone, Default)]
pub struct Packet {
    pub members: BTreeMap<String, Vec<u8>>,
}

impl Packet {
    /// 65 for a file that is no packet. Nothing of it is written anywhere.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&disk::read(path)?, &path.display().to_string())
    }

    /// The same of bytes; `name` is for messages.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self> {
        let bad = |what: String| {
            Error::input(format!("'{name}' is no packet: {what}"))
                .hint("a packet is what `otto proof export` wrote")
        };
        // Everything is in the bytes that were read: a header that was changed must not be skipped.
        let mut archive = tar::Archive::new(bytes);
        // What the reader says may hold words of a file that is something else.
        let unreadable = |_: std::io::Error| bad("it is no tar, or one that was changed".into());
        let mut packet = Self::default();
        let mut used = 0;
        for entry in archive.entries().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.path().map_err(unreadable)?.to_string_lossy().into_owned();
            let size = entry.size();
            if entry.header().entry_type() != tar::EntryType::Regular || size > LARGEST {
                return Err(bad(format!("'{name}' is no plain file")));
            }
            used = entry.raw_file_position() + size.div_ceil(512) * 512;
            let head = &bytes[(entry.raw_header_position() as usize)..][..512];
            if head != canonical(&name, size).as_slice() {
                return Err(bad(format!("the header of '{name}' is not as it is written")));
            }
            let mut content = Vec::new();
            entry.take(LARGEST).read_to_end(&mut content).map_err(unreadable)?;
            let padding = used as usize - content.len().div_ceil(512) * 512 + content.len();
            if bytes.get(padding..used as usize).is_none_or(|p| p.iter().any(|b| *b != 0)) {
                return Err(bad(format!("something stands behind '{name}'")));
            }
            if packet.members.insert(name.clone(), content).is_some() {
                return Err(bad(format!("'{name}' is there twice")));
            }
        }
        let rest = bytes.get(used as usize..).unwrap_or_default();
        if rest.len() != 1024 || rest.iter().any(|b| *b != 0) {
            return Err(bad("its end is not as it is written".into()));
        }
        Ok(packet)
    }

    /// The commit that it says it is of.
    pub fn product(&self) -> Option<Oid> {
        statement::product(self.get(STATEMENT)?)
    }

    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.members.get(name).map(Vec::as_slice)
    }
}

impl Files for Packet {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.members.get(name).cloned())
    }

    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let below = format!("{folder}/");
        let names = self.members.keys().filter_map(|name| name.strip_prefix(&below));
        Ok(names.map(str::to_owned).collect())
    }
}

/// The header that [`super::export`] writes for such a member.
fn canonical(name: &str, size: u64) -> [u8; 512] {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    // One that does not fit was not written by us, and is not equal.
    drop(header.set_path(name));
    header.set_cksum();
    *header.as_bytes()
}
