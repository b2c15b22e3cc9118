//! Small files whose content decides what is kept or believed. Each carries the hash of its own
//! content, so that a byte that changed is found, also where the JSON is still good:
//! `{"sha256":"<hash of the bytes of content>","content":…}`.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{read_if_there, replace};
use crate::base::{Error, Result, Sha256};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    sha256: Sha256,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// `value` with its hash, as a line.
pub fn sealed(value: &impl Serialize) -> Result<Vec<u8>> {
    let bug = |e| Error::bug("a record cannot be JSON").because(e);
    let content = serde_json::value::to_raw_value(value).map_err(bug)?;
    let sealed = Sealed { sha256: Sha256::of(content.get().as_bytes()), content: &content };
    let mut bytes = serde_json::to_vec(&sealed).map_err(bug)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes `value` with its hash; replaced whole, as [`replace`] does.
pub fn replace_sealed(path: &Path, value: &impl Serialize) -> Result<()> {
    replace(path, &sealed(value)?)
}

/// `None` when the file is absent, `Err` inside with the reason when it is not what was written.
pub fn read_sealed<T: DeserializeOwned>(
    path: &Path,
) -> Result<Option<std::result::Result<T, String>>> {
    Ok(read_if_there(path)?.map(|bytes| unseal(&bytes)))
}

fn unseal<T: DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, String> {
    let sealed: Sealed<'_> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if Sha256::of(sealed.content.get().as_bytes()) != sealed.sha256 {
        return Err("its content does not match its hash".into());
    }
    serde_json::from_str(sealed.content.get()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_changed_byte_anywhere_is_found() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x.json");
        let value = ("g1".to_owned(), 3_u32);
        replace_sealed(&path, &value).expect("written");
        let good = std::fs::read(&path).expect("read");
        assert_eq!(unseal::<(String, u32)>(&good), Ok(value));
        // The line end at the end says nothing.
        for at in 0..good.len() - 1 {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(unseal::<(String, u32)>(&bad).is_err(), "byte {at}");
        }
        assert!(read_sealed::<u32>(&dir.path().join("absent")).expect("no error").is_none());
    }
}
