//! What `openssl cmp` and its mock server say: see tests/corpus/README.md.

use std::collections::BTreeMap;

use pkixcmp::body::enroll::CertOrEncCert;
use pkixcmp::crmf::pop::{PopoPrivKey, ProofOfPossession};
use pkixcmp::{CertReqId, PkiBody, PkiFailureInfo, PkiMessage, PkiStatus, Pvno};

use crate::{captured, one, rebuilt};

#[test]
fn every_captured_message_encodes_from_the_parsed_structs_to_the_octets_it_came_in() {
    for (name, der) in captured() {
        let message =
            PkiMessage::decode(der.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rebuilt(&message), der, "{name}");
        assert_eq!(
            message.body().to_der().unwrap(),
            message.raw_body(),
            "{name}"
        );
    }
}

#[test]
fn what_is_protected_in_a_captured_message_is_the_same_from_raw_and_from_parsed() {
    for (name, der) in captured() {
        let message = PkiMessage::decode(der).unwrap();
        let parsed =
            pkixcmp::Unprotected::new(message.header(), message.body(), Vec::new()).unwrap();
        assert_eq!(
            message.to_be_protected(),
            parsed.to_be_protected(),
            "{name}"
        );
    }
}

#[test]
fn header_body_protection_and_certificates_are_slices_of_what_was_received() {
    for (name, der) in captured() {
        let message = PkiMessage::decode(der.clone()).unwrap();
        let pieces = [message.raw_header(), message.raw_body()]
            .into_iter()
            .chain(message.protection())
            .chain(
                message
                    .extra_certs()
                    .iter()
                    .map(pkixcmp::CmpCertificate::der),
            );
        for piece in pieces {
            assert!(
                der.as_ptr_range().contains(&piece.as_ptr()),
                "{name}: a copy was made"
            );
        }
    }
}

#[test]
fn the_corpus_has_every_body_that_openssl_sends() {
    let mut seen = BTreeMap::<&str, usize>::new();
    for (_, der) in captured() {
        *seen
            .entry(PkiMessage::decode(der).unwrap().body().name())
            .or_default() += 1;
    }
    let names: Vec<_> = seen.into_keys().collect();
    assert_eq!(
        names,
        [
            "certConf", "cp", "cr", "error", "genm", "genp", "ip", "ir", "kup", "kur", "p10cr",
            "pkiconf", "pollRep", "pollReq", "rp", "rr",
        ]
    );
}

#[test]
fn an_exchange_has_one_transaction_id_and_each_answer_the_nonce_of_its_request() {
    for round in ["1", "2"] {
        let (request, response) = (
            one(&format!("ir-pbm-{round}-request")),
            one(&format!("ir-pbm-{round}-response")),
        );
        assert_eq!(request.header().pvno, Pvno::CMP2000);
        assert_eq!(
            request.header().transaction_id,
            response.header().transaction_id
        );
        assert_eq!(request.header().sender_nonce, response.header().recip_nonce);
        assert_eq!(
            request.header().sender_kid.as_ref().unwrap().as_bytes(),
            b"corpus-ref"
        );
    }
}

#[test]
fn certificates_for_the_enrolled_and_for_the_chain_come_out() {
    let message = one("ir-pbm-implicit-1-response");
    let PkiBody::Ip(answer) = message.body() else {
        panic!("{message:?}")
    };
    assert_eq!(answer.ca_pubs.as_ref().map(|list| list.len()), Some(1));
    let pair = answer.response[0].certified_key_pair.as_ref().unwrap();
    assert!(
        matches!(&pair.cert_or_enc_cert, CertOrEncCert::Certificate(certificate) if certificate.der().len() > 300)
    );
    assert_eq!(message.extra_certs().len(), 2);
}

#[test]
fn a_p10cr_has_minus_one_as_the_number_of_its_answer() {
    let message = one("p10cr-pbm-1-response");
    let PkiBody::Cp(answer) = message.body() else {
        panic!("{message:?}")
    };
    assert_eq!(answer.response[0].cert_req_id, CertReqId::NONE);
}

#[test]
fn polling_names_the_request_and_the_seconds_to_wait() {
    let (request, response) = (one("ir-polling-2-request"), one("ir-polling-2-response"));
    let PkiBody::PollReq(asked) = request.body() else {
        panic!("{request:?}")
    };
    let PkiBody::PollRep(answer) = response.body() else {
        panic!("{response:?}")
    };
    assert_eq!(asked[0].cert_req_id, CertReqId::FIRST);
    assert_eq!(
        (answer[0].cert_req_id, answer[0].check_after_seconds()),
        (CertReqId::FIRST, Some(1))
    );
}

#[test]
fn every_form_of_pop_that_openssl_writes_is_told_apart() {
    let pop = |name: &str| {
        let message = one(name);
        message.body().requests().unwrap()[0].popo.clone()
    };
    assert_eq!(pop("popo-none-1-request"), None);
    assert!(matches!(
        pop("popo-raverified-1-request"),
        Some(ProofOfPossession::RaVerified(_))
    ));
    assert!(matches!(
        pop("ir-pbm-1-request"),
        Some(ProofOfPossession::Signature(_))
    ));
    assert_eq!(
        pop("popo-keyenc-1-request"),
        Some(ProofOfPossession::KeyEncipherment(
            PopoPrivKey::SubsequentMessage(0)
        ))
    );
}

#[test]
fn a_rejection_shows_its_reasons_and_its_text() {
    let message = one("rejected-all-bits-1-response");
    let PkiBody::Cp(answer) = message.body() else {
        panic!("{message:?}")
    };
    let status = &answer.response[0].status;
    assert_eq!(status.status, PkiStatus::Rejection);
    assert_eq!(
        status.failure,
        Some(PkiFailureInfo::from_mask((1 << 27) - 1))
    );
    assert_eq!(status.texts, ["Grüße"]);
}

#[test]
fn a_rejected_certificate_is_confirmed_with_its_hash_and_the_reason() {
    let message = one("certconf-rejects-2-request");
    let PkiBody::CertConf(confirmations) = message.body() else {
        panic!("{message:?}")
    };
    assert_eq!(confirmations[0].cert_hash.as_bytes().len(), 32);
    assert_eq!(
        confirmations[0].status_info.as_ref().unwrap().failure,
        Some(PkiFailureInfo::INCORRECT_DATA)
    );
}

#[test]
fn an_error_keeps_its_number_and_details() {
    let message = one("wrong-secret-1-response");
    let PkiBody::Error(error) = message.body() else {
        panic!("{message:?}")
    };
    assert!(error.error_code.is_some());
    assert!(error.error_details.as_ref().unwrap()[0].contains("CMP routines"));
}

#[test]
fn the_names_and_usages_of_a_template_come_out() {
    let message = one("ir-names-1-request");
    let template = &message.body().requests().unwrap()[0].cert_req.cert_template;
    let wanted = template.to_template().unwrap();
    let names: Vec<_> = wanted.sans.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "dns:a.example.test",
            "ip:192.0.2.1",
            "uri:https://example.test/x",
            "email:a@example.test",
            "rid:1.2.3.4",
            "dirname:CN=directory",
            "other:1.3.6.1.4.1.311.20.2.3;0c0f6d65406578616d706c652e74657374",
        ]
    );
    assert_eq!(wanted.key_usage, Some(pki::KeyUsages::DIGITAL_SIGNATURE));
    assert_eq!(
        wanted.ext_key_usage,
        [pki::usage::CLIENT_AUTH, pki::usage::SERVER_AUTH]
    );
    let validity = wanted
        .validity
        .not_before
        .unwrap()
        .until(wanted.validity.not_after.unwrap())
        .unwrap();
    assert_eq!(validity.get_seconds(), 30 * 24 * 60 * 60);
}

#[test]
fn the_certificates_and_the_csr_in_the_corpus_are_ones_that_pki_reads() {
    let message = one("ir-pbm-implicit-1-response");
    let PkiBody::Ip(answer) = message.body() else {
        panic!("{message:?}")
    };
    let root = answer.ca_pubs.as_ref().unwrap()[0].certificate().unwrap();
    for certificate in message.extra_certs() {
        certificate
            .certificate()
            .unwrap()
            .verify_signed_by(root.public_key())
            .unwrap();
    }
    let PkiBody::P10cr(request) = one("p10cr-pbm-1-request").into_parts().1 else {
        panic!()
    };
    request.csr().unwrap().verify().unwrap();
}

#[test]
fn a_key_update_names_the_certificate_it_replaces_and_a_revocation_its_own() {
    use pkixcmp::crmf::control::Control;
    let update = one("kur-sig-1-request");
    let controls = update.body().requests().unwrap()[0]
        .cert_req
        .controls
        .clone()
        .unwrap();
    let Control::OldCertId(old) = controls[0].control().unwrap() else {
        panic!("{controls:?}")
    };
    let signer = update.extra_certs()[0].certificate().unwrap();
    assert_eq!(old.certificate_id(), Some(signer.id()));
    assert_eq!(pkixcmp::CertId::of(&signer).unwrap(), old);

    let revocation = one("rr-sig-1-request");
    let PkiBody::Rr(details) = revocation.body() else {
        panic!("{revocation:?}")
    };
    assert_eq!(details[0].certificate_id(), Some(signer.id()));
    assert_eq!(details[0].reason_code().unwrap(), Some(1));
}
