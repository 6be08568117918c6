//! Every image, built once, in a store of buildah's that is the tests' own.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use proto_tests::peer;
use serde_json::Value;

pub(crate) const IMAGES: [&str; 3] = ["certway-ra", "certway-issuer", "certway"];
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The store, with every image in it.
pub(crate) struct Store {
    /// Where the build leaves its files.
    out: PathBuf,
    config: PathBuf,
}

impl Store {
    /// The store; `None`, said aloud, where what it needs is missing and may be.
    pub(crate) fn open() -> Option<&'static Self> {
        static STORE: OnceLock<Store> = OnceLock::new();
        if peer::missing("buildah") || peer::missing("musl-gcc") {
            return None;
        }
        Some(STORE.get_or_init(Self::filled))
    }

    fn filled() -> Self {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| sources.join("target"), PathBuf::from);
        fs::create_dir_all(target.join("images/tests")).unwrap();
        let out = target.join("images").canonicalize().unwrap();
        let config = out.join("tests/storage.conf");
        let folder = out.join("tests").display().to_string();
        // Containers of earlier runs are in the way of nobody but the disk.
        let _none_yet = fs::remove_dir_all(out.join("tests/store"));
        let lines = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{folder}/store\"\nrunroot = \"{folder}/run\"\n"
        );
        fs::write(&config, lines).unwrap();
        let store = Self { out, config };
        store.build(&[]);
        store
    }

    /// Builds images with `deploy/images/build`; from the quickest programs, which are there when `proto-tests/run` has built them.
    pub(crate) fn build(&self, arguments: &[&str]) {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut command = self.command(sources.join("deploy/images/build"));
        let output = command
            .args(["--profile", "dev"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// A program that finds the store.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    /// What buildah needs to know to find the store and to need no daemon.
    pub(crate) fn environment(&self) -> [(&'static str, &OsStr); 2] {
        [
            ("CONTAINERS_STORAGE_CONF", self.config.as_os_str()),
            ("BUILDAH_ISOLATION", "chroot".as_ref()),
        ]
    }

    /// Runs buildah, and gives what it says.
    pub(crate) fn buildah(&self, arguments: &[&str]) -> String {
        let output = self.command("buildah").args(arguments).output().unwrap();
        let (said, wrong) = (output.stdout, output.stderr);
        let wrong = String::from_utf8_lossy(&wrong);
        assert!(
            output.status.success(),
            "buildah {}: {wrong}",
            arguments.join(" ")
        );
        String::from_utf8(said).unwrap().trim().to_owned()
    }

    /// Its name in the store; `variant` is the build's `--tag`, if it had one.
    pub(crate) fn name(image: &str, variant: &str) -> String {
        format!("localhost/{image}:{VERSION}{variant}")
    }

    /// The image's configuration: its `config` as OCI has it.
    pub(crate) fn config_of(&self, name: &str) -> Value {
        let said = self.buildah(&["inspect", "--type", "image", name]);
        let all: Value = serde_json::from_str(&said).unwrap();
        all["OCIv1"]["config"].clone()
    }

    /// A file that the build left beside the image: `oci.tar`, `digest`, `cdx.json`.
    pub(crate) fn beside(&self, image: &str, variant: &str, ending: &str) -> Vec<u8> {
        let path = self
            .out
            .join(format!("{image}-{VERSION}{variant}.{ending}"));
        fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }
}
