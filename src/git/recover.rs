//! After a power cut. git does not sync objects before it names them, so a loose object may be there
//! and empty; git and gix take it for the object, and fail wherever they need it.

use super::{Oid, Repo};
use crate::base::Result;
use crate::disk::lock::Refs;
use crate::disk::{self, Held};

impl Repo {
    /// Removes loose objects without a byte, which are none, and refs under `refs/otto/` that
    /// hold no object id or whose object is gone: what they named is made again. Returns how many
    /// it removed.
    pub fn clear_after_power_cut(&self, held: &Held<Refs>) -> Result<usize> {
        let mut removed = 0;
        let objects = self.project.common_dir.join("objects");
        for fan in disk::subdirs(&objects)?.iter().filter(|name| name.len() == 2) {
            for path in disk::empty_files(&objects.join(fan))? {
                tracing::warn!("'{}' is an empty object and is removed", path.display());
                disk::remove_file(&path)?;
                removed += 1;
            }
        }
        // What holds no object id cannot even be listed.
        for file in disk::files_below(&self.project.common_dir.join("refs/otto"))? {
            let name = format!("refs/otto/{}", file.display());
            if !name.ends_with(".lock") && self.clear_broken_ref(held, &name)? {
                removed += 1;
            }
        }
        for (name, id) in self.refs_below("refs/otto/")? {
            removed += usize::from(!self.has_object(id) && self.clear_broken_ref(held, &name)?);
        }
        Ok(removed)
    }

    /// Whether a ref file says where something is.
    pub(super) fn names_something(&self, text: &str) -> bool {
        text.starts_with("ref: ") || text.trim().parse::<Oid>().is_ok_and(|id| self.has_object(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{Expect, Project, RefUpdate};

    #[test]
    fn empty_objects_and_what_names_them_are_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let git = |args: &[&str]| {
            crate::git::Git::new(&dir.path().join(".git")).worktree(dir.path()).run(args)
        };
        git(&["init", "--quiet"]).expect("a repository");
        let project = Project::discover(dir.path()).expect("found");
        let repo = Repo::open(&project).expect("opened");
        let held = disk::lock::hold::<Refs>(&dir.path().join("refs.lock")).expect("held");
        let (good, bad) =
            (repo.write_blob(b"good").expect("blob"), repo.write_blob(b"bad").expect("blob"));
        for (name, id) in [("refs/otto/head/a", good), ("refs/otto/head/b", bad)] {
            let update = RefUpdate {
                name: name.into(),
                expect: Expect::Absent,
                new: Some(id),
                message: "test".into(),
            };
            repo.update_refs(&held, &[update]).expect("io").expect("absent");
        }
        let text = bad.to_string();
        let file = project.common_dir.join("objects").join(&text[..2]).join(&text[2..]);
        std::fs::remove_file(&file).expect("removed");
        std::fs::write(&file, "").expect("emptied");

        assert_eq!(repo.clear_after_power_cut(&held).expect("cleared"), 2);
        assert_eq!(repo.clear_after_power_cut(&held).expect("nothing left"), 0);
        assert_eq!(repo.read_ref("refs/otto/head/b").expect("no error"), None);
        assert_eq!(repo.read_ref("refs/otto/head/a").expect("no error"), Some(good));
        assert_eq!(repo.write_blob(b"bad").expect("again"), bad);
        assert_eq!(repo.blob(bad).expect("read"), b"bad");
    }
}
