//! The systemd units in `deploy/`: they are understood, leave the service little, and what they leave it suffices.

use std::path::Path;
use std::process::Command;

use proto_tests::native::NativeSetup;
use proto_tests::{Launch, Native, peer};

const UNITS: [&str; 3] = [
    "certway-ra.service",
    "certway-ra.socket",
    "certway-ra-cmp.socket",
];

fn unit(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/systemd");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The units in a folder of their own, with the program where it is here.
fn here() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = proto_tests::program::binary("certway-ra");
    let program = program.canonicalize().unwrap();
    for name in UNITS {
        let text = unit(name).replace("/usr/bin/certway-ra", program.to_str().unwrap());
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn systemd_understands_them() {
    if peer::missing("systemd-analyze") {
        return;
    }
    let folder = here();
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(UNITS)
        .current_dir(folder.path())
        .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path().display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // What it has to say of other units of this machine is not about ours.
    let ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("certway"))
        .collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn systemd_finds_the_service_little_exposed() {
    if peer::missing("systemd-analyze") {
        return;
    }
    let folder = here();
    // Of 100: what is left is that it speaks to the network, and no address is denied here.
    let said = peer::run(
        "systemd-analyze",
        folder.path(),
        &[
            "security",
            "--offline=yes",
            "--threshold=20",
            "--no-pager",
            "certway-ra.service",
        ],
    );
    assert!(said.contains("Overall exposure level"), "{said}");
}

#[test]
fn the_sockets_have_the_names_that_we_look_for() {
    assert!(unit("certway-ra.socket").contains("\nFileDescriptorName=rest\n"));
    assert!(unit("certway-ra-cmp.socket").contains("\nFileDescriptorName=cmp\n"));
}

#[test]
fn it_serves_without_any_privilege_and_as_nobody() {
    if peer::missing("setpriv") {
        return;
    }
    let is_root = peer::run("id", Path::new("/"), &["-u"]).trim() == "0";
    let setup = NativeSetup::new();
    let config = setup.local_authority() + &setup.label("", "");
    setup.launch(&config);
    let mut launch = Launch::of("setpriv", setup.folder()).arg("--no-new-privs");
    if is_root {
        // What is the unit's own is the user's.
        let folder = setup.folder().to_str().unwrap();
        peer::run("chown", Path::new("/"), &["-R", "65534:65534", folder]);
        launch = launch.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ]);
    }
    let launch = launch
        .arg(proto_tests::program::binary("certway-ra"))
        .args(["serve", "--config"])
        .arg(setup.path("certway.toml"));
    let native: Native = setup.start_as(launch);
    let answer = crate::enrollment::Enrollment::of("unprivileged")
        .send(&crate::enrollment::client(&native))
        .unwrap();
    crate::enrollment::issued(&answer);
}
