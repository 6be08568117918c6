//! The one folder everything is in, and files with safe modes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Every folder of ours has it: it is locked while a demo runs, and tells our folders from those of others.
const MARK: &str = ".certway-demo";

/// The folder of one demo, ours alone while this value lives.
pub(super) struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Makes the folder, or takes the one an earlier demo left.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        create(path).with_context(|| format!("the folder {shown} cannot be made"))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("the folder {shown} cannot be used"))?;
        if path.to_str().is_none() {
            bail!("the name of the folder {shown} is not UTF-8; choose another one by --dir");
        }
        let mark = path.join(MARK);
        if !mark.exists() && fs::read_dir(&path)?.next().is_some() {
            bail!(
                "{shown} has files that no demo made; name a new folder by --dir, for a demo writes over what it finds"
            );
        }
        let lock = options(0o600)
            .open(&mark)
            .with_context(|| format!("{} cannot be written", mark.display()))?;
        if lock.try_lock().is_err() {
            bail!("another demo runs in {shown}; end it, or name another folder by --dir");
        }
        for part in ["secrets", "tls", "certs", "out"] {
            create(&path.join(part))?;
        }
        Ok(Self { path, lock })
    }

    /// Its absolute path.
    pub(super) fn root(&self) -> &Path {
        &self.path
    }

    /// The absolute path of something in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The same as text.
    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// Writes what anyone may read.
    pub(super) fn write(&self, name: &str, content: &str) -> anyhow::Result<()> {
        self.replace(name, content, 0o644)
    }

    /// Writes what only its owner may read.
    pub(super) fn write_secret(&self, name: &str, content: &str) -> anyhow::Result<()> {
        self.replace(name, content, 0o600)
    }

    /// What is in the file; `None` if it is not there.
    pub(super) fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = self.path(name);
        let mut text = String::new();
        match File::open(&path).and_then(|mut file| file.read_to_string(&mut text)) {
            Ok(_) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// A file to be written to at its end.
    pub(super) fn append(&self, name: &str) -> anyhow::Result<File> {
        let path = self.path(name);
        options(0o600)
            .append(true)
            .open(&path)
            .with_context(|| format!("{} cannot be written", path.display()))
    }

    /// In one step: whoever reads it, a server that looks for changes too, finds the old or the new content.
    fn replace(&self, name: &str, content: &str, mode: u32) -> anyhow::Result<()> {
        let path = self.path(name);
        let draft = self.path(&format!("{name}.new"));
        let written = || {
            let _left_behind = fs::remove_file(&draft);
            let mut file = options(mode).create_new(true).open(&draft)?;
            file.write_all(content.as_bytes())?;
            fs::rename(&draft, &path)
        };
        written().with_context(|| format!("{} cannot be written", path.display()))
    }
}

fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn options(mode: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(mode);
    options
}

impl Drop for Folder {
    /// Closing the file is not enough: a child process that is just being started has it open too, for a moment.
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_with_files_of_others_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let error = Folder::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("--dir"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_one_demos_at_a_time_and_the_next_ones_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let first = Folder::open(&path).unwrap();
        assert!(Folder::open(&path).is_err());
        drop(first);
        assert!(Folder::open(&path).is_ok());
    }

    #[test]
    fn what_is_secret_is_readable_by_its_owner_only_also_when_it_was_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("demo")).unwrap();
        let mode = |name: &str| {
            fs::metadata(folder.path(name))
                .unwrap()
                .permissions()
                .mode()
        };
        folder.write("x", "public").unwrap();
        folder.write_secret("x", "secret").unwrap();
        assert_eq!(mode("x") & 0o777, 0o600);
        assert_eq!(mode("") & 0o777, 0o700);
        assert_eq!(folder.read("x").unwrap().as_deref(), Some("secret"));
        assert_eq!(folder.read("y").unwrap(), None);
    }
}
