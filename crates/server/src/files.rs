//! Files a configuration is made of, read once and remembered, so that a change of any of them is noticed.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// Nothing a configuration names is larger: a public bundle of 150 roots needs about a quarter of a MiB.
const LARGEST: u64 = 4 << 20;

/// Every file read so far, with the digest of what was in it.
///
/// A change is noticed by content, not by time or link: Kubernetes swaps a link two levels up when a mounted Secret changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    base: PathBuf,
    /// `None`: could not be read.
    seen: BTreeMap<PathBuf, Option<[u8; 32]>>,
}

impl Files {
    /// Nothing read yet; relative paths start at `base`.
    pub fn relative_to(base: impl Into<PathBuf>) -> Self {
        Self {
            base: base.into(),
            seen: BTreeMap::new(),
        }
    }

    /// The file's content.
    ///
    /// # Errors
    /// Those of the file system, and a file of more than 4 MiB. The file is remembered all the same: it may appear later.
    pub fn read(&mut self, path: impl AsRef<Path>) -> io::Result<Bytes> {
        let path = self.base.join(path);
        let read = read(&path);
        self.seen.insert(
            path,
            read.as_ref()
                .ok()
                .map(|content| pki::digest::sha256(content)),
        );
        read
    }

    /// Where a path of the configuration leads.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        self.base.join(path)
    }

    /// Whether any of them now holds something else, appeared or went away.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.seen.iter().any(|(path, known)| {
            let now = read(path).ok().map(|content| pki::digest::sha256(&content));
            now != *known
        })
    }
}

fn read(path: &Path) -> io::Result<Bytes> {
    let mut content = Vec::new();
    std::fs::File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "the file has more than 4 MiB",
        ));
    }
    Ok(Bytes::from(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_content_is_a_change_and_the_same_content_written_again_is_none() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "one").unwrap();
        let mut files = Files::relative_to(dir.path());
        files.read("a").unwrap();
        std::fs::write(dir.path().join("a"), "one").unwrap();
        assert!(!files.changed());
        std::fs::write(dir.path().join("a"), "two").unwrap();
        assert!(files.changed());
    }

    #[test]
    fn a_missing_file_that_appears_is_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = Files::relative_to(dir.path());
        assert!(files.read("a").is_err());
        assert!(!files.changed());
        std::fs::write(dir.path().join("a"), "one").unwrap();
        assert!(files.changed());
    }
}
