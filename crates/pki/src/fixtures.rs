//! Files of `tests/fixtures` for unit tests.

use std::path::Path;

/// The content of a fixture, by its path under `tests/fixtures`.
pub(crate) fn read(path: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A private key among the fixtures.
pub(crate) fn key(name: &str) -> crate::PrivateKey {
    crate::PrivateKey::from_pem(&read(&format!("keys/{name}.pem")), None).unwrap()
}
