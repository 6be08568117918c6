//! The system's clock as one of our programs sees it, set by a test: libfaketime before the program.

use std::path::{Path, PathBuf};

use crate::certs::write;
use crate::peer;
use crate::program::Launch;

/// A clock that a test sets. What only goes on, as timers do, goes on as ever.
#[derive(Debug)]
pub struct FakeClock {
    library: PathBuf,
    folder: PathBuf,
    file: PathBuf,
}

impl FakeClock {
    /// One that is right; its file is in `folder`. `None`, said aloud, where libfaketime is missing and may be.
    pub fn right(folder: &Path) -> Option<Self> {
        if peer::missing("faketime") {
            return None;
        }
        let clock = Self {
            library: library(),
            folder: folder.to_owned(),
            file: folder.join("clock"),
        };
        clock.set(0);
        Some(clock)
    }

    /// Sets it so many seconds before (less than nought: behind) the real one.
    pub fn set(&self, seconds: i64) {
        write(&self.folder, "clock.new", format!("{seconds:+}"));
        std::fs::rename(self.folder.join("clock.new"), &self.file).unwrap();
    }

    /// A program that lives by it.
    pub fn drives(&self, launch: Launch) -> Launch {
        launch
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    }
}

/// Where distributions put it.
fn library() -> PathBuf {
    let name = "faketime/libfaketimeMT.so.1";
    let below = std::fs::read_dir("/usr/lib").into_iter().flatten();
    let below = below.flatten().map(|folder| folder.path());
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let mut found = folders
        .into_iter()
        .chain(below)
        .map(|folder| folder.join(name));
    found
        .find(|path| path.is_file())
        .expect("the library of faketime")
}
