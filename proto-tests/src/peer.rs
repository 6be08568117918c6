//! Other people's programs, as judges and as peers: openssl, keytool, curl.

use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Whether `program` can be run. A test that needs it and has to do without says so and ends:
///
/// ```no_run
/// # use proto_tests::peer;
/// if peer::missing("openssl") { return }
/// ```
///
/// # Panics
/// When it is missing and nobody said that it may be (`CERTWAY_TESTS_WITHOUT_PEERS`, which ./proto-tests/run sets outside CI).
pub fn missing(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    });
    if found {
        return false;
    }
    let allowed = std::env::var_os("CERTWAY_TESTS_WITHOUT_PEERS").is_some()
        && std::env::var_os("CI").is_none();
    assert!(
        allowed,
        "`{program}` is missing; ./proto-tests/run says what to install"
    );
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Past the capture of a test that passes: someone has to see it.
    let _nobody = writeln!(
        std::io::stderr(),
        "LEFT OUT, `{program}` is missing: {test}"
    );
    true
}

/// Runs a peer to its end and gives what it wrote to standard output.
///
/// # Panics
/// When it fails, with what it wrote.
pub fn run(program: &str, folder: &Path, arguments: &[&str]) -> String {
    match try_run(program, folder, arguments) {
        Ok(stdout) => stdout,
        Err(all) => panic!("{program} {}:\n{all}", arguments.join(" ")),
    }
}

/// The same; a failure gives both streams together.
///
/// # Errors
/// What it wrote, when its exit code is not 0.
pub fn try_run(program: &str, folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(stdout)
    } else {
        Err(stdout + &String::from_utf8_lossy(&output.stderr))
    }
}

/// keytool. Its messages are English whatever the machine speaks.
pub fn keytool(folder: &Path, arguments: &[&str]) -> String {
    let mut all = vec![
        "-J-Duser.language=en",
        "-J-XX:TieredStopAtLevel=1",
        "-J-Xshare:auto",
    ];
    all.extend_from_slice(arguments);
    run("keytool", folder, &all)
}
