//! Keystores: JKS and PKCS#12.

use jiff::Timestamp;
use pki::digest::sha1;
use pki::keystore::{self, Keystore};
use secrecy::SecretString;

use crate::tlv::Tlv;

const PASSWORD: &str = "changeit";
const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
/// Of the digest at the end of a JKS file.
const DIGEST: usize = 20;

/// A file as it is, and with the digest it would need: without that, everything behind the check would never be reached.
pub(crate) fn jks(octets: &[u8]) {
    if !octets.starts_with(&JKS) {
        return;
    }
    let password = SecretString::from(PASSWORD);
    let _ = keystore::read(octets, Some(&password)).map(|store| jks_again(&store, &password));
    if octets.len() < DIGEST + JKS.len() {
        return;
    }
    let list = &octets[..octets.len() - DIGEST];
    let mut salted: Vec<u8> = PASSWORD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    salted.extend_from_slice(b"Mighty Aphrodite");
    salted.extend_from_slice(list);
    let mended = [list, &sha1(&salted)].concat();
    match keystore::read(&mended, Some(&password)) {
        Ok(store) => jks_again(&store, &password),
        Err(error) => assert!(!error.to_string().contains(PASSWORD)),
    }
    assert!(keystore::read(&mended, None).is_err());
}

/// What was read can be written, unless its names cannot, and is the same when read again.
fn jks_again(store: &Keystore, password: &SecretString) {
    let Ok(written) = keystore::write_jks(store, password, Timestamp::UNIX_EPOCH) else {
        return;
    };
    let again = keystore::read(&written, Some(password)).expect("what we write is read");
    let lower = |alias: &str| alias.to_lowercase();
    assert_eq!(again.entries.len(), store.entries.len());
    for (one, other) in again.entries.iter().zip(&store.entries) {
        assert_eq!(one.alias, lower(&other.alias));
        assert_eq!(one.chain, other.chain);
        assert_eq!(one.key.public_key(), other.key.public_key());
    }
    assert_eq!(again.trusted.len(), store.trusted.len());
    for (one, other) in again.trusted.iter().zip(&store.trusted) {
        assert_eq!(one.alias, lower(&other.alias));
        assert_eq!(one.certificate, other.certificate);
    }
}

/// A file as it is. Iterations that are allowed and slow are left to the tests of the bounds; those beyond the bounds must cost nothing.
pub(crate) fn pkcs12(octets: &[u8]) {
    if octets.first() != Some(&0x30) || asks_for_allowed_work(octets, 0) {
        return;
    }
    let password = SecretString::from(PASSWORD);
    match keystore::read(octets, Some(&password)) {
        Ok(store) => {
            for entry in &store.entries {
                assert_eq!(entry.chain[0].public_key(), entry.key.public_key());
            }
        }
        Err(error) => assert!(!error.to_string().contains(PASSWORD)),
    }
    let _ = keystore::read(octets, None);
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
/// Quick enough to be done millions of times.
const QUICK: u64 = 64;
/// The most that any bound of a number in a PKCS#12 file allows.
const ALLOWED: u64 = 64 << 20;

/// Whether a number stands in the open part of the file that could be one of iterations, or a cost, between quick and forbidden.
fn asks_for_allowed_work(mut octets: &[u8], depth: usize) -> bool {
    while let Some(element) = Tlv::first(octets) {
        octets = element.rest;
        let inside = element.is_constructed() || element.tag == [OCTET_STRING];
        let number = element.value.iter().fold(0u64, |sum, octet| {
            sum.saturating_mul(256).saturating_add(u64::from(*octet))
        });
        let slow = element.tag == [INTEGER] && (QUICK + 1..=ALLOWED).contains(&number);
        if slow || (inside && depth < 16 && asks_for_allowed_work(element.value, depth + 1)) {
            return true;
        }
    }
    false
}
