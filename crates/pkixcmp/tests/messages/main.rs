//! Messages of other implementations, read and written again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod corpus;
mod oracle;
mod properties;
mod refused;
mod wire;

use std::path::Path;

use bytes::Bytes;
use pkixcmp::{PkiMessage, Unprotected};

/// Every captured message with its file name, in the order of the names.
fn captured() -> Vec<(String, Bytes)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut messages: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "der"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_str().unwrap().to_owned(),
                std::fs::read(&path).unwrap().into(),
            )
        })
        .collect();
    messages.sort();
    assert!(messages.len() >= 100, "the corpus has gone");
    messages
}

/// One captured message.
fn one(name: &str) -> PkiMessage {
    let (_, der) = captured()
        .into_iter()
        .find(|(other, _)| other == name)
        .unwrap_or_else(|| panic!("no {name} in the corpus"));
    PkiMessage::decode(der).unwrap()
}

/// The message encoded from what was parsed, with the protection it came with.
fn rebuilt(message: &PkiMessage) -> Bytes {
    let unprotected = Unprotected::new(
        message.header(),
        message.body(),
        message.extra_certs().to_vec(),
    )
    .unwrap();
    match message.protection() {
        Some(protection) => unprotected.protected(protection),
        None => unprotected.unprotected(),
    }
}
