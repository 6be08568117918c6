//! Proof of possession, and PKCS#10 requests.

use pki::{KeyUsages, Template, usage};
use proto_tests::certs::{Identity, Issuer, dn};
use proto_tests::native::{RA_SECRET, SECRET};
use proto_tests::openssl::{Cmp, Ran};
use proto_tests::{EmbeddedCa, Keys, Native, peer};

fn as_ra(ra: &Native) -> Cmp {
    let cmp = ra.openssl("ir").mac("ra-1", RA_SECRET);
    cmp.new_key(&Keys::ec()).subject("/CN=behind-an-ra")
}

#[test]
fn a_request_without_proof_is_refused() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = ra.enrolling("ir", "/CN=none").args(&["-popo", "-1"]).run();
    ran.refused(&["received IP", "badPOP", "missing"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn raverified_is_not_an_end_entitys_to_say() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = ra
        .enrolling("ir", "/CN=raverified")
        .args(&["-popo", "0"])
        .run();
    ran.refused(&["received IP", "PKIStatus: rejection"]);
    let said = ran.said();
    assert!(
        said.contains("badPOP") || said.contains("notAuthorized"),
        "{said}"
    );
    assert_eq!(ra.issued(), 0);
}

#[test]
fn raverified_is_believed_of_an_ra() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = as_ra(&ra).args(&["-popo", "0"]).run();
    ran.verified(&ra.setup.root.certificate);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn raverified_reaches_a_ca_that_takes_it_and_no_other() {
    if peer::missing("openssl") {
        return;
    }
    let ca = EmbeddedCa::start();
    let takes = "takes = { ra_verified = true }";
    let ra = Native::before_with(&ca.url(), &ca.root, takes, "", "");
    as_ra(&ra).args(&["-popo", "0"]).run().verified(&ca.root);
    let ra = Native::before(&ca);
    let ran = as_ra(&ra).args(&["-popo", "0"]).run();
    ran.refused(&["PKIStatus: rejection"]);
    assert_eq!((ra.issued(), ca.issued()), (0, 1));
}

/// The message with one octet flipped where `find` points, sent under a new transactionID, which makes openssl protect it again.
fn corrupted(ra: &Native, first: &Ran, command: &str, at: impl Fn(&[u8]) -> usize) -> Ran {
    let mut der = first.read("request.der");
    let at = at(&der);
    der[at] ^= 0x01;
    let cmp = ra.openssl(command).mac("device-1", SECRET);
    let cmp = cmp.file("-reqin", "corrupted.der", der);
    cmp.new_key(&Keys::ec())
        .subject("/CN=corrupted")
        .args(&["-reqin_new_tid"])
        .run()
}

/// The last octet of the proof: of what stands before the protection, which is the last 20 octets and their heads (HMAC-SHA1).
fn before_protection(der: &[u8]) -> usize {
    let message = pkixcmp::PkiMessage::decode(der.to_vec()).unwrap();
    let protection = message.protection().unwrap();
    // [0] EXPLICIT, BIT STRING, unused bits.
    der.len() - protection.len() - 5 - 1
}

#[test]
fn a_crmf_signature_with_a_bit_flipped_is_badpop_and_the_next_request_works() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = ra
        .enrolling("ir", "/CN=fine")
        .args(&["-reqout", "request.der"]);
    let first = cmp.run();
    first.verified(&ra.setup.root.certificate);
    let ran = corrupted(&ra, &first, "ir", before_protection);
    ran.refused(&["received IP", "badPOP"]);
    assert_eq!(ra.issued(), 1);
    let again = ra.enrolling("ir", "/CN=again").run();
    again.verified(&ra.setup.root.certificate);
}

fn p10cr(ra: &Native) -> Cmp {
    let csr = proto_tests::v1::csr("CN=csr", &["dns:a.example"], &Keys::ec());
    let cmp = ra.openssl("p10cr").mac("device-1", SECRET);
    cmp.file("-csr", "csr.pem", csr)
}

#[test]
fn a_p10cr_gets_a_certificate_under_certreqid_minus_one() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = p10cr(&ra).args(&["-rspout", "answer.der"]).run();
    ran.verified(&ra.setup.root.certificate);
    assert!(ran.said().contains("received PKICONF"), "{}", ran.said());
    let answer = pkixcmp::PkiMessage::decode(ran.read("answer.der")).unwrap();
    let pkixcmp::PkiBody::Cp(content) = answer.body() else {
        panic!("{:?}", answer.body());
    };
    assert_eq!(content.response[0].cert_req_id.0, -1);
}

#[test]
fn a_p10cr_reaches_a_cmp_ca_unchanged() {
    if peer::missing("openssl") {
        return;
    }
    let ca = EmbeddedCa::start();
    let ra = Native::before(&ca);
    p10cr(&ra).run().verified(&ca.root);
    ca.program.log_has("kind=\"p10cr\"");
    assert_eq!(ca.issued(), 1);
}

#[test]
fn a_pkcs10_signature_with_a_bit_flipped_is_badpop() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let first = p10cr(&ra).args(&["-reqout", "request.der"]).run();
    first.verified(&ra.setup.root.certificate);
    let csr = proto_tests::v1::csr("CN=csr", &[], &Keys::ec());
    let mut der = first.read("request.der");
    let at = before_protection(&der);
    der[at] ^= 1;
    let cmp = ra.openssl("p10cr").mac("device-1", SECRET);
    let cmp = cmp.file("-csr", "csr.pem", csr);
    let cmp = cmp.file("-reqin", "corrupted.der", der);
    let ran = cmp.args(&["-reqin_new_tid"]).run();
    ran.refused(&["received CP", "badPOP"]);
    assert_eq!(ra.issued(), 1);
}

/// A certificate with the purpose id-kp-cmcRA.
fn ra_of(issuer: &Issuer, name: &str) -> Identity {
    let key = Keys::ec();
    let mut template = Template::new(dn(name), key.public_key().clone());
    template.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
    template.ext_key_usage = vec![usage::CMC_RA];
    let chain = vec![issuer.sign(template), issuer.certificate.clone()];
    Identity { key, chain }
}

fn raverified_by(ra: &Native, signer: &Identity) -> Ran {
    let cmp = ra.openssl("ir").signed(signer).new_key(&Keys::ec());
    let cmp = cmp.subject("/CN=behind-an-ra").args(&["-popo", "0"]);
    cmp.trusting(&ra.setup.root.certificate).run()
}

#[test]
fn an_ra_by_word_of_the_ca_itself_is_one() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let other_ra = ra_of(&ra.setup.issuing, "O=Certway Tests,CN=Other RA");
    raverified_by(&ra, &other_ra).verified(&ra.setup.root.certificate);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn an_ra_by_word_of_a_device_ca_is_none_unless_it_is_configured() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let self_made = ra_of(&ra.setup.devices, "O=Devices,CN=gateway");
    raverified_by(&ra, &self_made).refused(&["PKIStatus: rejection"]);
    assert_eq!(ra.issued(), 0);

    let ra = Native::local_with("", "ra_clients = [\"subject:O=Devices,CN=gateway\"]");
    let devices = &ra.setup.devices;
    let gateway = devices.identity("O=Devices,CN=gateway", &[]);
    raverified_by(&ra, &gateway).verified(&ra.setup.root.certificate);
    let other = devices.identity("O=Devices,CN=gateway-2", &[]);
    raverified_by(&ra, &other).refused(&["PKIStatus: rejection"]);
    assert_eq!(ra.issued(), 1);
}
