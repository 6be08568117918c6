//! Reading bounded files and writing sets of files that are either all new or all old.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::exit::{Exit, Failure};

/// More than any certificate, key, request or store we deal with.
pub(crate) const LARGEST_INPUT: usize = 4 << 20;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner: keys and what holds keys (mode 0600).
    Owner,
    /// Everyone: certificates (mode 0644).
    Everyone,
}

/// The whole of a file, or of standard input if the path is `-`; an error if it is longer than `limit`.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|e| Failure::file(path, &e))?)
    };
    let mut bytes = Vec::new();
    input
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Failure::file(path, &e))?;
    if bytes.len() > limit {
        return Err(Failure::new(
            Exit::Local,
            format!(
                "{}: longer than {limit} bytes, which nothing we read is",
                path.display()
            ),
        ));
    }
    Ok(bytes)
}

/// Files written aside, to be put in their places together. Dropped without [`FileSet::commit`], nothing has happened.
#[derive(Default)]
pub(crate) struct FileSet {
    staged: Vec<Staged>,
}

struct Staged {
    aside: PathBuf,
    target: PathBuf,
}

impl FileSet {
    /// Writes the new content of `target` beside it and onto the disk. The folder is made if there is none.
    pub(crate) fn stage(
        &mut self,
        target: &Path,
        readers: Readers,
        content: &[u8],
    ) -> Result<(), Failure> {
        let failed = |e: io::Error| Failure::file(target, &e);
        let folder = folder_of(target);
        fs::create_dir_all(folder).map_err(failed)?;
        let name = target
            .file_name()
            .ok_or_else(|| failed(io::Error::from(io::ErrorKind::IsADirectory)))?;
        if target.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let random: [u8; 8] = pki::random::bytes().map_err(|e| Failure::file(target, &e))?;
        let aside = folder.join(format!(
            ".{}.{:016x}.tmp",
            name.to_string_lossy(),
            u64::from_be_bytes(random)
        ));
        let mut file = create(&aside, readers).map_err(failed)?;
        self.staged.push(Staged {
            aside,
            target: target.to_owned(),
        });
        file.write_all(content)
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }

    /// Puts every file in its place. A crash in between leaves some old and some new, but never half a file.
    pub(crate) fn commit(mut self) -> Result<(), Failure> {
        for Staged { aside, target } in self.staged.drain(..) {
            fs::rename(&aside, &target).map_err(|e| {
                let _ = fs::remove_file(&aside);
                Failure::file(&target, &e)
            })?;
            sync_folder(folder_of(&target)).map_err(|e| Failure::file(&target, &e))?;
        }
        Ok(())
    }
}

impl Drop for FileSet {
    fn drop(&mut self) {
        for staged in &self.staged {
            let _ = fs::remove_file(&staged.aside);
        }
    }
}

/// The folder a file is in; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A file that did not exist, with these readers whatever the umask says.
fn create(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let mode = match readers {
            Readers::Owner => 0o600,
            Readers::Everyone => 0o644,
        };
        let file = options.mode(mode).open(path)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    {
        // Elsewhere a new file has the access list of its folder.
        let _ = readers;
        options.open(path)
    }
}

/// Makes a rename durable, where folders can be opened at all.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
