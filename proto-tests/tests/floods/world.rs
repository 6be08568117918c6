//! A service to be flooded, and what it takes up.

use proto_tests::native::NativeSetup;
use proto_tests::{HttpsClient, Native};
use rustix::process::{Resource, getrlimit, setrlimit};

/// The small number for every day, or the large one where it was asked for.
pub(crate) fn size(small: usize, large: usize) -> usize {
    if std::env::var_os("CERTWAY_FLOODS").is_some() {
        large
    } else {
        small
    }
}

/// With a CA of its own and more lines in `[listen]`.
pub(crate) fn service(listen: &str) -> Native {
    let mut setup = NativeSetup::new();
    setup.listen += &format!("\n{listen}");
    let config = setup.local_authority() + &setup.label("", "");
    // What is logged at every connection is not what is measured.
    let launch = setup.launch(&config).env("CERTWAY_RA_LOG__FILTER", "info");
    setup.start_as(launch)
}

/// As many descriptors as the system grants us: a client has one for each connection.
pub(crate) fn room_for(connections: usize) {
    let mut granted = getrlimit(Resource::Nofile);
    granted.current = granted.maximum;
    setrlimit(Resource::Nofile, granted).unwrap();
    let most = granted.maximum.unwrap_or(u64::MAX);
    assert!(
        most > connections as u64 + 200,
        "only {most} descriptors: raise the hard limit for this test"
    );
}

/// What it has in memory, in KiB.
pub(crate) fn resident(native: &Native) -> usize {
    let path = format!("/proc/{}/status", native.program.id());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

/// A client with a certificate.
pub(crate) fn client(native: &Native) -> HttpsClient {
    native.rest(Some(&native.setup.pki.client))
}

/// That somebody who asks now is served.
#[track_caller]
pub(crate) fn serves(native: &Native) {
    let answer = client(native).get("/v2/RA/trust", &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
}
