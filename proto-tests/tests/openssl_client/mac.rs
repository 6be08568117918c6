//! Requests under a shared secret.

use pki::KeyKind;
use proto_tests::native::{RA_SECRET, SECRET};
use proto_tests::program::eventually;
use proto_tests::{EmbeddedCa, Keys, Native, peer};

const EXPLICIT: [&str; 4] = [
    "sending IR",
    "received IP",
    "sending CERTCONF",
    "received PKICONF",
];

#[test]
fn an_ir_with_openssls_own_defaults_gets_a_certificate_and_confirms_it() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let key = Keys::ec();
    let cmp = ra.openssl("ir").mac("device-1", SECRET).new_key(&key);
    let ran = cmp.subject("/O=Devices/CN=one").run();
    let certificate = ran.verified(&ra.setup.root.certificate);
    assert_eq!(certificate.public_key(), key.public_key());
    assert_eq!(
        *certificate.subject(),
        proto_tests::certs::dn("O=Devices,CN=one")
    );
    for sentence in EXPLICIT {
        assert!(ran.said().contains(sentence), "{}", ran.said());
    }
    assert_eq!(ra.issued(), 1);
}

#[test]
fn the_same_works_with_a_cmp_ca_behind() {
    if peer::missing("openssl") {
        return;
    }
    let ca = EmbeddedCa::start();
    let ra = Native::before(&ca);
    for command in ["ir", "cr"] {
        let ran = ra.enrolling(command, "/CN=behind").run();
        ran.verified(&ca.root);
    }
    assert_eq!((ra.issued(), ca.issued()), (2, 2));
}

#[test]
fn a_cr_is_answered_by_a_cp() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = ra.enrolling("cr", "/CN=cr").run();
    ran.verified(&ra.setup.root.certificate);
    assert!(ran.said().contains("received CP"), "{}", ran.said());
}

#[test]
fn every_mac_and_digest_that_openssl_offers_for_pbm_is_taken() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let macs = [
        "hmac-sha1",
        "hmacWithSHA256",
        "hmacWithSHA384",
        "hmacWithSHA512",
    ];
    let digests = ["sha256", "sha384", "sha512", "sha256"];
    for (mac, digest) in macs.into_iter().zip(digests) {
        let cmp = ra.enrolling("ir", "/CN=mac");
        let ran = cmp.args(&["-mac", mac, "-digest", digest]).run();
        ran.verified(&ra.setup.root.certificate);
    }
    assert_eq!(ra.issued(), 4);
}

#[test]
fn keys_of_every_kind_are_certified() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ec = |kind| pki::PrivateKey::generate(kind).unwrap();
    for key in [
        Keys::rsa(),
        ec(KeyKind::P384),
        ec(KeyKind::P521),
        ec(KeyKind::Ed25519),
    ] {
        let cmp = ra.openssl("ir").mac("device-1", SECRET).new_key(&key);
        let ran = cmp.subject("/CN=kinds").run();
        let certificate = ran.verified(&ra.setup.root.certificate);
        assert_eq!(certificate.public_key(), key.public_key());
    }
}

#[test]
fn implicit_confirmation_is_granted_to_who_asks() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = ra
        .enrolling("ir", "/CN=implicit")
        .args(&["-implicit_confirm"])
        .run();
    ran.verified(&ra.setup.root.certificate);
    assert!(!ran.said().contains("CERTCONF"), "{}", ran.said());
}

#[test]
fn where_implicit_confirmation_is_not_granted_openssl_confirms() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local_with("", "implicit_confirm = false");
    let ran = ra
        .enrolling("ir", "/CN=insist")
        .args(&["-implicit_confirm"])
        .run();
    ran.verified(&ra.setup.root.certificate);
    assert!(ran.said().contains("received PKICONF"), "{}", ran.said());
}

#[test]
fn a_certificate_that_nobody_confirms_is_given_back_and_revoked() {
    if peer::missing("openssl") {
        return;
    }
    let ca = EmbeddedCa::start();
    let ra = Native::before_with(&ca.url(), &ca.root, "", "confirm_within = \"1s\"", "");
    let ran = ra
        .enrolling("ir", "/CN=silent")
        .args(&["-disable_confirm"])
        .run();
    ran.verified(&ca.root);
    eventually("the CA revoked it", || ca.revoked() == 1);
    eventually("we know", || ra.revoked() == 1);
}

#[test]
fn sans_days_and_extensions_are_those_asked_for() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let config = "[exts]\nkeyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n";
    let cmp = ra.enrolling("ir", "/CN=asked");
    std::fs::write(cmp.folder().join("exts.cnf"), config).unwrap();
    let sans = "a.example.com,10.1.2.3,https://a.example.com/x";
    let ran = cmp
        .args(&["-config", "exts.cnf", "-section", "exts"])
        .args(&["-reqexts", "exts", "-sans", sans, "-days", "7"])
        .run();
    let certificate = ran.verified(&ra.setup.root.certificate);
    let names: Vec<String> = certificate.sans().iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "dns:a.example.com",
            "ip:10.1.2.3",
            "uri:https://a.example.com/x"
        ]
    );
    assert_eq!(
        certificate.key_usage(),
        Some(pki::KeyUsages::DIGITAL_SIGNATURE)
    );
    assert_eq!(
        certificate.ext_key_usage(),
        Some(&[pki::usage::CLIENT_AUTH][..])
    );
    let hours = (certificate.not_after() - certificate.not_before()).total(jiff::Unit::Hour);
    let hours = hours.unwrap();
    assert!((167.0..169.0).contains(&hours), "{hours}");
}

#[test]
fn an_unknown_entry_of_generalinfo_is_ignored() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = ra.enrolling("ir", "/CN=info");
    let ran = cmp.args(&["-geninfo", "1.2.3.4:int:56789"]).run();
    ran.verified(&ra.setup.root.certificate);
}

#[test]
fn repeated_runs_get_a_certificate_each() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = ra
        .enrolling("ir", "/CN=repeat")
        .args(&["-repeat", "3"])
        .run();
    ran.verified(&ra.setup.root.certificate);
    assert_eq!((ran.count("received PKICONF"), ra.issued()), (3, 3));
}

#[test]
fn connections_may_be_kept_alive_or_not() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    for keep_alive in ["0", "1", "2"] {
        let cmp = ra.enrolling("ir", "/CN=alive");
        let ran = cmp.args(&["-keep_alive", keep_alive]).run();
        ran.verified(&ra.setup.root.certificate);
    }
}

#[test]
fn every_path_of_rfc_9811_and_pkix_leads_to_the_only_label() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    for path in [
        "/.well-known/cmp",
        "/.well-known/cmp/",
        "/.well-known/cmp/initialization",
        "/.well-known/cmp/p/RA",
        "/.well-known/cmp/p/RA/initialization",
        "/pkix/",
        "/pkix/RA",
    ] {
        let ran = ra.enrolling("ir", "/CN=path").args(&["-path", path]).run();
        ran.verified(&ra.setup.root.certificate);
    }
}

#[test]
fn a_request_at_the_path_of_another_operation_is_refused() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let path = "/.well-known/cmp/p/RA/certification";
    let ran = ra
        .enrolling("ir", "/CN=elsewhere")
        .args(&["-path", path])
        .run();
    ran.refused(&["badRequest", "operation that the path names"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn a_label_that_does_not_exist_is_refused() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let path = "/.well-known/cmp/p/NONE";
    let ran = ra.enrolling("ir", "/CN=none").args(&["-path", path]).run();
    ran.refused(&["404"]);
    assert_eq!(ra.issued(), 0);
}

/// With `-unprotected_errors` openssl shows what it would not believe otherwise.
#[test]
fn a_wrong_secret_and_an_unknown_reference_are_refused_alike() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let told: Vec<String> = [("device-1", "wrong"), ("nobody", SECRET), ("ra-1", SECRET)]
        .into_iter()
        .map(|(reference, secret)| {
            let cmp = ra.openssl("ir").mac(reference, secret);
            let cmp = cmp.new_key(&Keys::ec()).subject("/CN=wrong");
            let ran = cmp.args(&["-unprotected_errors"]).run();
            ran.refused(&[
                "badMessageCheck",
                "protection of the message cannot be verified",
            ]);
            let said = ran.said();
            let told = said.lines().find(|line| line.contains("badMessageCheck"));
            told.unwrap().rsplit("PKIStatus").next().unwrap().to_owned()
        })
        .collect();
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    assert_eq!(ra.issued(), 0);
}

#[test]
fn without_that_option_openssl_does_not_believe_the_refusal_either() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = ra
        .openssl("ir")
        .mac("device-1", "wrong")
        .new_key(&Keys::ec());
    let ran = cmp.subject("/CN=wrong").run();
    ran.refused(&["missing protection"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn where_sha1_is_refused_openssls_default_mac_is_and_sha2_is_taken() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local_with("", "sha1 = \"refused\"");
    let ran = ra
        .enrolling("ir", "/CN=sha1")
        .args(&["-unprotected_errors"])
        .run();
    ran.refused(&["badAlg", "HMAC-SHA1 is not allowed here"]);
    assert_eq!(ra.issued(), 0);
    let cmp = ra.enrolling("ir", "/CN=sha2");
    let ran = cmp.args(&["-mac", "hmacWithSHA256"]).run();
    ran.verified(&ra.setup.root.certificate);
}

#[test]
fn an_unprotected_request_is_refused() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = ra
        .enrolling("ir", "/CN=naked")
        .args(&["-unprotected_requests", "-unprotected_errors"])
        .run();
    ran.refused(&["badMessageCheck", "not protected"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn what_the_profile_does_not_allow_is_refused_with_the_rule() {
    if peer::missing("openssl") {
        return;
    }
    let profile = "dns = [\"**.example.com\"]\nkeys = [\"ec:P-256\"]";
    let ra = Native::local_with(profile, "");
    let cmp = ra
        .enrolling("ir", "/CN=name")
        .args(&["-sans", "a.example.org"]);
    cmp.run().refused(&["badCertTemplate", "a.example.org"]);
    let cmp = ra.openssl("ir").mac("device-1", SECRET).subject("/CN=key");
    let ran = cmp.new_key(&Keys::rsa()).run();
    ran.refused(&["badCertTemplate", "rsa:2048"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn a_kur_under_a_shared_secret_is_refused() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let first = ra.enrolling("ir", "/CN=old").run();
    let certificate = first.verified(&ra.setup.root.certificate);
    let cmp = ra
        .openssl("kur")
        .mac("device-1", SECRET)
        .new_key(&Keys::ec());
    let ran = cmp.certificates("-oldcert", &[&certificate]).run();
    ran.refused(&["wrongIntegrity", "has to be signed"]);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_genm_for_nothing_in_particular_is_answered() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = ra.openssl("genm").mac("device-1", SECRET).run();
    assert_eq!(ran.ended.code, Some(0), "{}", ran.said());
    assert!(ran.said().contains("received GENP"), "{}", ran.said());
}

#[test]
fn ca_certificates_are_given_out() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = ra.openssl("genm").mac("device-1", SECRET);
    let ran = cmp
        .args(&["-infotype", "caCerts", "-rspout", "answer.der"])
        .run();
    assert_eq!(ran.ended.code, Some(0), "{}", ran.said());
    let answer = pkixcmp::PkiMessage::decode(ran.read("answer.der")).unwrap();
    let issuing = ra.setup.issuing.certificate.der();
    let holds = answer
        .der()
        .windows(issuing.len())
        .any(|part| part == issuing);
    assert!(holds, "{:?}\n{}", answer.body(), ran.said());
}

#[test]
fn one_clients_secret_is_not_anothers() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = ra.openssl("ir").mac("device-2", RA_SECRET);
    let ran = cmp.new_key(&Keys::ec()).subject("/CN=two").run();
    ran.verified(&ra.setup.root.certificate);
    let cmp = ra.openssl("ir").mac("device-1", RA_SECRET);
    let ran = cmp.new_key(&Keys::ec()).subject("/CN=two").run();
    assert_eq!(ran.ended.code, Some(1), "{}", ran.said());
    assert_eq!(ra.issued(), 1);
}
