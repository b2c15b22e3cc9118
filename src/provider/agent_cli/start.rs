//! What a turn asks of a vendor, and what the vendor wants to be started.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Vendor;
use super::place::Place;
use crate::agent::Request;
use crate::base::text::nearest;
use crate::disk;
use crate::provider::io::{Failure, needs_answer, setting_str};
use crate::session::event::Usage;

/// One turn, with everything that a vendor decides by.
#[derive(Debug)]
pub(in crate::provider) struct Ask<'a> {
    pub request: &'a Request,
    pub program: PathBuf,
    pub prompt: Vec<u8>,
    /// The role answers with data.
    pub wants_answer: bool,
    /// What the answer must look like.
    pub schema: Option<Value>,
    pub tmp: PathBuf,
    /// What the conversation that is gone on with had used before; `None` where that is not known.
    pub before: Option<Usage>,
    /// As the program says it.
    pub version: Option<String>,
}

/// The command line of a turn.
#[derive(Debug, Default)]
pub(in crate::provider) struct Start {
    pub args: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
    pub stdin: Vec<u8>,
}

impl Start {
    pub fn args(&mut self, args: impl IntoIterator<Item = impl Into<OsString>>) {
        self.args.extend(args.into_iter().map(Into::into));
    }

    pub fn env(&mut self, name: &str, value: impl Into<OsString>) {
        self.env.push((name.into(), value.into()));
    }
}

impl<'a> Ask<'a> {
    pub(super) fn new<V: Vendor>(request: &'a Request, place: &Place) -> Result<Self, Failure> {
        known_settings::<V>(&request.settings)?;
        let wants_answer = needs_answer(request)?;
        let unusable = |e: crate::base::Error| Failure::bad_request(e.to_string());
        if !request.workdir.is_dir() {
            let shown = request.workdir.display();
            return Err(Failure::bad_request(format!(
                "the folder to work in, '{shown}', is not there"
            )));
        }
        let schema = match &request.schema_file {
            Some(file) if wants_answer => {
                let text = disk::read(file).map_err(unusable)?;
                let parsed = serde_json::from_slice(&text).map_err(|e| {
                    Failure::bad_request(format!("the schema '{}' is no JSON: {e}", file.display()))
                })?;
                Some(parsed)
            }
            Some(_) | None => None,
        };
        Ok(Self {
            request,
            program: super::find_program::<V>(setting_str(request, "program")?, &request.workdir)?,
            prompt: disk::read(&request.prompt_file).map_err(unusable)?,
            wants_answer,
            schema,
            tmp: place.tmp().to_owned(),
            before: None,
            version: None,
        })
    }

    pub fn setting(&self, key: &str) -> Result<Option<&str>, Failure> {
        setting_str(self.request, key)
    }

    /// Whether something outside already keeps the agent in its folder, so that it need not ask.
    pub fn is_contained(&self) -> bool {
        self.request.sandbox.tier != "worktree"
    }

    pub fn has_network(&self) -> bool {
        self.request.sandbox.network.as_deref() != Some("off")
    }
}

/// A key that nobody knows is a mistake and not a wish.
pub(in crate::provider) fn known_settings<V: Vendor>(settings: &Value) -> Result<(), Failure> {
    let Some(map) = settings.as_object() else {
        let none = settings.is_null();
        let wrong = || Failure::bad_request(format!("providers.{} must be a mapping", V::NAME));
        return if none { Ok(()) } else { Err(wrong()) };
    };
    match map.keys().find(|key| !V::SETTINGS.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let meant = nearest(key, V::SETTINGS.iter().copied());
            let hint = meant.map_or_else(
                || format!("it has {}", V::SETTINGS.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            Err(Failure::bad_request(format!("providers.{} has no `{key}`; {hint}", V::NAME)))
        }
    }
}

/// `path` below `dir` is shown relative to it, as git would.
pub(in crate::provider) fn relative(path: &str, dir: &Path) -> String {
    let real = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let path = Path::new(path);
    let inside = path.strip_prefix(dir).or_else(|_| path.strip_prefix(&real));
    inside.unwrap_or(path).to_string_lossy().into_owned()
}
