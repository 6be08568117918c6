//! A folder to work in, and certway started in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use assert_cmd::Command;
use pki::{Certificate, PrivateKey};
use tempfile::TempDir;

use crate::fake_ra::FakeRa;

pub(crate) struct Bench {
    dir: TempDir,
}

/// What a run left: exit code, standard output and error.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs certway in this folder with nothing in its environment.
    pub(crate) fn certway(&self, args: &[&str]) -> Ran {
        self.certway_with(&[], args)
    }

    /// The same with these environment variables.
    pub(crate) fn certway_with(&self, settings: &[(&str, String)], args: &[&str]) -> Ran {
        let output: Output = Command::cargo_bin("certway")
            .unwrap()
            .env_clear()
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path())
            .args(args)
            .timeout(std::time::Duration::from_secs(60))
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same with the service's address and without second tries.
    pub(crate) fn at(&self, ra: &FakeRa, args: &[&str]) -> Ran {
        let url = ra.url();
        let (command, rest) = args.split_first().unwrap();
        let mut all = vec![*command, "--url", &url, "--ca=web", "--retry-for=0s"];
        all.extend(rest);
        self.certway(&all)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Everything in the folder, hidden files too.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn certificates(&self, name: &str) -> Vec<Certificate> {
        Certificate::all_from_pem(&self.read(name)).unwrap()
    }

    pub(crate) fn key(&self, name: &str) -> PrivateKey {
        PrivateKey::from_pem(&self.read(name), None).unwrap()
    }

    #[cfg(unix)]
    pub(crate) fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }
}

impl Ran {
    /// The run, which has to have this exit code.
    #[track_caller]
    pub(crate) fn with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// A path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
