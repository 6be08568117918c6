use futures::executor::block_on;

use super::*;
use crate::fixtures::key;
use crate::name;

fn parameters() -> CrlParameters {
    CrlParameters {
        issuer: name::onap::parse("O=Example,CN=CA").unwrap(),
        authority_key_id: Bytes::copy_from_slice(&key("p256-sec1").public_key().key_id()),
        number: 0x80,
        this_update: "2026-11-22T00:00:00Z".parse().unwrap(),
        next_update: "2050-11-22T00:00:00Z".parse().unwrap(),
        revoked: vec![
            Revoked {
                serial: Bytes::from_static(&[0, 0x80, 1]),
                at: "2026-11-21T10:00:00Z".parse().unwrap(),
                reason: RevocationReason::KeyCompromise,
            },
            Revoked {
                serial: Bytes::from_static(&[5]),
                at: "2026-11-20T10:00:00Z".parse().unwrap(),
                reason: RevocationReason::Unspecified,
            },
        ],
    }
}

#[test]
fn a_list_says_what_its_parameters_say() {
    let key = key("p256-sec1");
    let parameters = parameters();
    let list = block_on(build(&parameters, &key)).unwrap();
    assert_eq!(list.verify_signed_by(key.public_key()), Ok(()));
    assert_eq!(list.issuer(), &parameters.issuer);
    assert_eq!(list.number(), Some(0x80));
    assert_eq!(list.this_update(), parameters.this_update);
    assert_eq!(list.next_update(), Some(parameters.next_update));
    assert_eq!(list.revoked().collect::<Vec<_>>(), parameters.revoked);
}

#[test]
fn a_list_we_make_is_read_by_another_reader() {
    let list = block_on(build(&parameters(), &key("p256-sec1"))).unwrap();
    let read = webpki::BorrowedCertRevocationList::from_der(list.der()).unwrap();
    let read = webpki::CertRevocationList::from(read.to_owned().unwrap());
    let found = read.find_serial(&[0, 0x80, 1]).unwrap().unwrap();
    assert_eq!(
        found.reason_code,
        Some(webpki::RevocationReason::KeyCompromise)
    );
    assert!(read.find_serial(&[6]).unwrap().is_none());
}

#[test]
fn an_empty_list_has_no_entries_at_all() {
    let mut parameters = parameters();
    parameters.revoked.clear();
    let list = block_on(build(&parameters, &key("p256-sec1"))).unwrap();
    assert_eq!(list.revoked().count(), 0);
    assert!(list.list.tbs_cert_list.revoked_certificates.is_none());
}

#[test]
fn a_list_of_another_ca_does_not_verify() {
    let list = block_on(build(&parameters(), &key("p256-sec1"))).unwrap();
    let other = key("p384-sec1");
    assert!(list.verify_signed_by(other.public_key()).is_err());
}

#[test]
fn reasons_are_found_by_number_and_by_name() {
    for (reason, name) in RevocationReason::ALL {
        assert_eq!(RevocationReason::from_code(reason.code()), Some(reason));
        assert_eq!(
            RevocationReason::from_name(&name.to_lowercase()),
            Some(reason)
        );
        assert_eq!(reason.to_string(), name);
    }
    assert_eq!(RevocationReason::from_code(7), None);
    assert_eq!(RevocationReason::from_code(11), None);
}

#[test]
fn truncated_and_changed_lists_do_not_panic() {
    let list = block_on(build(&parameters(), &key("p256-sec1"))).unwrap();
    for len in 0..list.der().len() {
        assert!(Crl::from_der(list.der().slice(..len)).is_err());
    }
    for at in 0..list.der().len() {
        let mut changed = list.der().to_vec();
        changed[at] ^= 0x81;
        if let Ok(read) = Crl::from_der(changed) {
            let _ = (read.revoked().count(), read.number(), read.next_update());
        }
    }
}
