//! A few seconds of `./proto-tests/soak`: a kill or two, and the ledgers held against each other.

use proto_tests::peer;
use proto_tests::soak::{self, Kind, Options};

#[test]
fn after_a_little_chaos_the_ca_the_journal_and_the_clients_agree_on_every_certificate() {
    if peer::missing("initdb") {
        return;
    }
    let verdict = soak::run(&Options {
        seconds: 4,
        clients: 4,
        ca: Kind::Forgets,
        ..Options::default()
    });
    let verdict = verdict.unwrap();
    assert!(verdict.disagreements.is_empty(), "{verdict}");
}
