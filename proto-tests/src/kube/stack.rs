//! Where the programs of the stack are.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The programs and files that `proto-tests/stack/build` made.
#[derive(Debug)]
pub struct Stack(BTreeMap<String, PathBuf>);

impl Stack {
    /// The stack, or `None` where it may be missing. A test that gets none says so and ends:
    ///
    /// ```no_run
    /// # use proto_tests::kube::Stack;
    /// let Some(stack) = Stack::here() else { return };
    /// ```
    ///
    /// # Panics
    /// When it is missing and nobody said that it may be: `CERTWAY_TESTS_WITHOUT_STACK`, which ./proto-tests/run sets outside CI.
    pub fn here() -> Option<&'static Self> {
        static STACK: OnceLock<Result<Stack, String>> = OnceLock::new();
        let why = match STACK.get_or_init(Self::find) {
            Ok(stack) => return Some(stack),
            Err(why) => why,
        };
        let allowed = std::env::var_os("CERTWAY_TESTS_WITHOUT_STACK").is_some()
            && std::env::var_os("CI").is_none();
        assert!(allowed, "no Kubernetes to test on: {why}");
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Past the capture of a test that passes: someone has to see it.
        let _nobody = writeln!(
            std::io::stderr(),
            "LEFT OUT, the Kubernetes stack is missing: {test}"
        );
        None
    }

    fn find() -> Result<Self, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("stack/build");
        let asked = Command::new(&script).arg("--where").output();
        let asked = asked.map_err(|e| format!("{}: {e}", script.display()))?;
        if !asked.status.success() {
            return Err(String::from_utf8_lossy(&asked.stderr).into_owned());
        }
        let text = String::from_utf8_lossy(&asked.stdout).into_owned();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Ok(Self(
            pairs
                .map(|(name, path)| (name.to_owned(), PathBuf::from(path)))
                .collect(),
        ))
    }

    /// A program or file, by the name that the script gives it: `kube-apiserver`, `kubectl`, `helm`, …
    ///
    /// # Panics
    /// When it has no such name.
    pub fn path(&self, name: &str) -> &Path {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("proto-tests/stack/build knows no {name}"))
    }
}
