//! SoftHSM2 behind a module that can lose its token.

use std::path::{Path, PathBuf};
use std::process::Command;

use pki::PrivateKey;
use pki::pkcs11::TokenSettings;
use proto_tests::peer;
use proto_tests::program::Launch;
use tempfile::TempDir;

pub(crate) const PIN: &str = "4711-pin-of-the-user";
const TOKEN: &str = "certway";
/// Says that a test runs in the process that was made for it.
const ALONE: &str = "CERTWAY_TESTS_HSM";

/// A token with keys of a test's choice.
pub(crate) struct Hsm {
    folder: PathBuf,
    /// Held by who made it.
    _made: Option<TempDir>,
}

impl Hsm {
    /// An empty token; `None`, said aloud, where SoftHSM2 is missing and may be.
    pub(crate) fn new() -> Option<Self> {
        if peer::missing("softhsm2-util") || peer::missing("cc") {
            return None;
        }
        let made = tempfile::tempdir().unwrap();
        let folder = made.path().to_owned();
        let tokens = folder.join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let config = format!(
            "directories.tokendir = {}\nlog.level = ERROR\n",
            tokens.display()
        );
        std::fs::write(folder.join("softhsm2.conf"), config).unwrap();
        let shim = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tokens/shim.c");
        let arguments = ["-shared", "-fPIC", "-w", "-o", "module.so", shim, "-ldl"];
        peer::run("cc", &folder, &arguments);
        let hsm = Self {
            folder,
            _made: Some(made),
        };
        hsm.util(&[
            "--init-token",
            "--free",
            "--label",
            TOKEN,
            "--so-pin",
            "so-pin-unused",
            "--pin",
            PIN,
        ]);
        Some(hsm)
    }

    /// Puts a key into it.
    pub(crate) fn import(&self, label: &str, id: &str, key: &PrivateKey) {
        let file = self.folder.join("key.pem");
        std::fs::write(&file, key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
        let file = file.to_str().unwrap();
        self.util(&[
            "--import", file, "--token", TOKEN, "--label", label, "--id", id, "--pin", PIN,
        ]);
    }

    fn util(&self, arguments: &[&str]) {
        let mut command = Command::new("softhsm2-util");
        let output = command
            .args(arguments)
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"));
        let output = output.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// From now on the token takes another PIN. SoftHSM2 would go on taking the old one from a process that has it loaded.
    pub(crate) fn change_pin(&self, new: &str) {
        std::fs::write(self.path("changed-pin"), format!("{new} {PIN}")).unwrap();
    }

    /// A module reads its environment when it is loaded, and is loaded once a process: the test that calls this is run again in a process
    /// of its own. `None` for the caller that is done; there, the token that `prepare` filled.
    pub(crate) fn alone(prepare: impl FnOnce(&Self)) -> Option<Self> {
        if let Some(folder) = std::env::var_os(ALONE) {
            return Some(Self {
                folder: folder.into(),
                _made: None,
            });
        }
        let hsm = Self::new()?;
        prepare(&hsm);
        let test = std::thread::current().name().unwrap().to_owned();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &test, "--nocapture", "--test-threads", "1"])
            .env(ALONE, &hsm.folder)
            .envs(hsm.environment())
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        // Not its exit code: SoftHSM's destructors may fail at the end of a process whose threads still have sessions.
        assert!(said.contains("1 passed"), "{said}");
        None
    }

    fn environment(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("SOFTHSM2_CONF", self.path("softhsm2.conf")),
            ("SHIM_FOLDER", self.folder.clone()),
            ("SHIM_MODULE", library()),
        ]
    }

    /// A program that can load the module.
    pub(crate) fn reachable_by(&self, launch: Launch) -> Launch {
        let environment = self.environment();
        environment
            .into_iter()
            .fold(launch, |launch, (name, value)| launch.env(name, value))
    }

    /// `[pkcs11.hsm]`.
    pub(crate) fn section(&self) -> String {
        std::fs::write(self.path("pin"), format!("{PIN}\n")).unwrap();
        format!(
            "[pkcs11.hsm]\nmodule = \"{}\"\npin = {{ file = \"{}\" }}\nsessions = 2\ntimeout = \"2s\"\n",
            self.path("module.so").display(),
            self.path("pin").display()
        )
    }

    pub(crate) fn settings(&self) -> TokenSettings {
        TokenSettings::new(self.path("module.so"), Some(PIN.into()))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes `removed`, `hang` or `forget` so.
    pub(crate) fn let_it(&self, what: &str) {
        std::fs::write(self.path(what), "").unwrap();
    }

    pub(crate) fn no_longer(&self, what: &str) {
        std::fs::remove_file(self.path(what)).unwrap();
    }

    /// How often a PIN was given to it.
    pub(crate) fn logins(&self) -> usize {
        std::fs::read(self.path("logins")).map_or(0, |octets| octets.len())
    }
}

fn library() -> PathBuf {
    let known = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];
    let found = known.into_iter().find(|path| Path::new(path).exists());
    found.expect("the library of SoftHSM2").into()
}
