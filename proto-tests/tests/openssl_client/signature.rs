//! Requests signed with a certificate of the client's own.

use proto_tests::certs::{Identity, Issuer};
use proto_tests::openssl::Cmp;
use proto_tests::{Keys, Native, peer};

fn device(ra: &Native) -> Identity {
    ra.setup.devices.identity("O=Devices,CN=device-7", &[])
}

/// An ir signed by that device, whose answer is believed below the CA's root.
fn signed(ra: &Native, by: &Identity) -> Cmp {
    let cmp = ra.openssl("ir").signed(by).new_key(&Keys::ec());
    cmp.subject("/O=Devices/CN=device-7")
        .trusting(&ra.setup.root.certificate)
}

#[test]
fn a_device_enrolls_with_the_certificate_of_its_vendor() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let ran = signed(&ra, &device(&ra)).run();
    ran.verified(&ra.setup.root.certificate);
    assert!(ran.said().contains("received PKICONF"), "{}", ran.said());
    assert_eq!(ra.issued(), 1);
}

#[test]
fn an_rsa_device_does_too_with_other_digests() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let devices = &ra.setup.devices;
    let device = devices.identity_of(Keys::rsa(), "O=Devices,CN=device-7", &[]);
    for digest in ["sha256", "sha384", "sha512"] {
        let ran = signed(&ra, &device).args(&["-digest", digest]).run();
        ran.verified(&ra.setup.root.certificate);
    }
}

#[test]
fn cr_and_implicit_confirmation_work_under_a_signature() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = ra.openssl("cr").signed(&device(&ra)).new_key(&Keys::ec());
    let cmp = cmp.subject("/CN=cr").args(&["-implicit_confirm"]);
    let ran = cmp.trusting(&ra.setup.root.certificate).run();
    ran.verified(&ra.setup.root.certificate);
    assert!(!ran.said().contains("CERTCONF"), "{}", ran.said());
}

#[test]
fn the_certificate_that_signs_our_answers_may_be_pinned() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let signer = std::fs::read_to_string(ra.setup.path("signer.pem")).unwrap();
    let cmp = ra.openssl("ir").signed(&device(&ra)).new_key(&Keys::ec());
    let cmp = cmp
        .subject("/CN=pinned")
        .file("-srvcert", "srv.pem", signer);
    cmp.run().verified(&ra.setup.root.certificate);
}

#[test]
fn the_expected_sender_is_the_subject_of_our_signer() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let right = signed(&ra, &device(&ra));
    let ran = right
        .args(&["-expect_sender", "/O=Certway Tests/CN=Certway RA"])
        .run();
    ran.verified(&ra.setup.root.certificate);
    let ran = signed(&ra, &device(&ra))
        .args(&["-expect_sender", "/O=Certway Tests/CN=Other"])
        .run();
    ran.refused(&["does not match expected sender"]);
}

#[test]
fn a_chain_above_the_devices_certificate_goes_along() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let plant = ra.setup.devices.issuing("O=Devices,CN=Plant 3");
    let device = plant.identity("O=Devices,CN=device-8", &[]);
    let cmp = signed(&ra, &device);
    let cmp = cmp.certificates("-own_trusted", &[&ra.setup.devices.certificate]);
    let cmp = cmp.certificates("-untrusted", &[&plant.certificate]);
    cmp.run().verified(&ra.setup.root.certificate);
}

#[test]
fn without_that_chain_the_device_is_not_trusted() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let plant = ra.setup.devices.issuing("O=Devices,CN=Plant 3");
    let mut device = plant.identity("O=Devices,CN=device-8", &[]);
    device.chain.truncate(1);
    let ran = signed(&ra, &device).args(&["-unprotected_errors"]).run();
    ran.refused(&["signerNotTrusted"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn a_device_of_another_vendor_is_not_trusted_nor_is_one_that_only_bears_the_names() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    for root in ["O=Devices,CN=Device Root", "O=Elsewhere,CN=Root"] {
        let stranger = Issuer::root(root).identity("O=Devices,CN=device-7", &[]);
        let ran = signed(&ra, &stranger).args(&["-unprotected_errors"]).run();
        ran.refused(&["signerNotTrusted"]);
    }
    assert_eq!(ra.issued(), 0);
}

#[test]
fn a_client_that_trusts_another_root_does_not_take_our_answer() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = ra.openssl("ir").signed(&device(&ra)).new_key(&Keys::ec());
    let cmp = cmp.subject("/CN=other-anchor");
    let ran = cmp.trusting(&ra.setup.devices.certificate).run();
    ran.refused(&["no suitable sender cert"]);
    assert!(!ran.said().contains("CERTCONF"), "{}", ran.said());
}

#[test]
fn a_client_that_does_not_trust_what_was_issued_gives_it_back_and_it_is_revoked() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = signed(&ra, &device(&ra));
    let cmp = cmp.certificates("-out_trusted", &[&ra.setup.devices.certificate]);
    let ran = cmp.run();
    assert_eq!(ran.ended.code, Some(1), "{}", ran.said());
    assert!(ran.said().contains("sending CERTCONF"), "{}", ran.said());
    assert_eq!((ra.issued(), ra.revoked()), (1, 1), "{}", ran.said());
}

#[test]
fn a_p10cr_under_a_signature_is_answered_by_a_cp() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let csr = proto_tests::v1::csr("O=Devices,CN=csr", &["dns:a.example"], &Keys::ec());
    let cmp = ra.openssl("p10cr").signed(&device(&ra));
    let cmp = cmp.file("-csr", "csr.pem", csr);
    let ran = cmp.trusting(&ra.setup.root.certificate).run();
    let certificate = ran.verified(&ra.setup.root.certificate);
    assert_eq!(
        certificate.sans(),
        proto_tests::certs::sans(&["dns:a.example"])
    );
}

#[test]
fn a_certificate_of_the_ca_itself_does_not_enroll_for_more() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let own = ra.setup.issuing.identity("O=Devices,CN=own", &[]);
    let ran = signed(&ra, &own).args(&["-unprotected_errors"]).run();
    ran.refused(&["signerNotTrusted"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn a_genm_under_a_signature_is_answered_with_one() {
    if peer::missing("openssl") {
        return;
    }
    let ra = Native::local();
    let cmp = ra.openssl("genm").signed(&device(&ra));
    let ran = cmp.trusting(&ra.setup.root.certificate).run();
    assert_eq!(ran.ended.code, Some(0), "{}", ran.said());
    assert!(ran.said().contains("received GENP"), "{}", ran.said());
}

#[test]
fn a_request_without_a_signer_of_ours_says_that_macs_are_taken() {
    if peer::missing("openssl") {
        return;
    }
    let setup = proto_tests::NativeSetup::new();
    let label = setup.label("", "").replace("signer = ", "# ");
    let config = setup.local_authority() + &label;
    let ra = setup.start(&config);
    let ran = signed(&ra, &device(&ra))
        .args(&["-unprotected_errors"])
        .run();
    ran.refused(&["wrongIntegrity", "use a shared secret"]);
    assert_eq!(ra.issued(), 0);
}
