//! certway-ra before the CA that `openssl cmp -port` plays.

use proto_tests::mock::isolated;
use proto_tests::program::eventually;
use proto_tests::v1::{Certificates, ENROLL, Request, UPDATE};
use proto_tests::{Answer, Mock, Native, peer};

const SUBJECT: &str = "O=Devices,CN=mocked";
const NAME: &str = "dns:a.example";

fn mock(arguments: &[&str]) -> Mock {
    Mock::start(SUBJECT, &[NAME], arguments)
}

/// What OpenSSL's mock is known to do otherwise than others.
const QUIRKS: &str = "quirks = { sha1_answers = true }";

/// A CA that is asked so has to be said to repeat itself, whether or not this one does.
const IMPLICIT: &str =
    "confirmation = \"implicit\"\nquirks = { sha1_answers = true, repeats = true }";

fn before(mock: &Mock, authority: &str) -> Native {
    let quirks = if authority.contains("quirks") {
        ""
    } else {
        QUIRKS
    };
    let authority = format!("{quirks}\n{authority}");
    Native::before_with(
        &mock.url(),
        &mock.root.certificate,
        &authority,
        "on_change = \"accept\"",
        "",
    )
}

fn ask(ra: &Native, mock: &Mock) -> Answer {
    let request = Request::for_names(SUBJECT, &[NAME], &mock.key);
    request.get(&ra.rest(Some(&ra.setup.pki.client)), ENROLL)
}

/// REST v1 gives out the mock's certificate, with its root.
#[track_caller]
fn enrolled(ra: &Native, mock: &Mock) {
    let got = Certificates::of(&ask(ra, mock));
    assert_eq!(got.chain, std::slice::from_ref(&mock.certificate));
    assert_eq!(got.trusted, std::slice::from_ref(&mock.root.certificate));
}

#[track_caller]
fn failed(answer: &Answer, sentences: &[&str]) {
    let text = answer.text();
    assert_eq!(answer.status, 500, "{text}");
    for sentence in sentences {
        assert!(text.contains(sentence), "`{sentence}` is not in {text}");
    }
}

/// How many messages the mock got, once it has said so of that many: its log may come after its answer.
fn messages(mock: &Mock, expected: usize) -> usize {
    let count = |text: &str| text.matches("Received request, 1st line: POST").count();
    let output = mock.program.output();
    output.wait(0, |text| (count(text) >= expected).then_some(()));
    count(&output.text())
}

/// POST of a CSR to REST v2.
fn post_csr(ra: &Native, mock: &Mock) -> Answer {
    let csr = proto_tests::v1::csr(SUBJECT, &[NAME], &mock.key);
    let client = ra.rest(Some(&ra.setup.pki.client));
    let path = "/v2/RA/certificates";
    client.post(path, "application/x-pem-file", csr.as_bytes())
}

macro_rules! with_mock {
    () => {
        if peer::missing("openssl") || !isolated() {
            return;
        }
    };
}

#[test]
fn an_ir_is_confirmed_explicitly() {
    with_mock!();
    let mock = mock(&[]);
    let ra = before(&mock, "");
    enrolled(&ra, &mock);
    ra.program.log_has("a certificate is confirmed");
    assert_eq!((messages(&mock, 2), ra.issued()), (2, 1));
}

#[test]
fn implicit_confirmation_spares_the_second_message() {
    with_mock!();
    let mock = mock(&["-grant_implicitconf"]);
    let ra = before(&mock, IMPLICIT);
    enrolled(&ra, &mock);
    assert_eq!((messages(&mock, 1), ra.issued()), (1, 1));
}

#[test]
fn where_implicit_confirmation_is_not_granted_it_is_confirmed_all_the_same() {
    with_mock!();
    let mock = mock(&[]);
    let ra = before(&mock, IMPLICIT);
    enrolled(&ra, &mock);
    assert_eq!(messages(&mock, 2), 2);
}

#[test]
fn a_cr_is_sent_where_the_ca_keeps_ir_for_itself() {
    with_mock!();
    let mock = mock(&[]);
    let ra = before(&mock, "first = \"cr\"");
    enrolled(&ra, &mock);
    ra.program.log_has("body=\"cp\"");
}

#[test]
fn a_ca_that_makes_us_wait_is_polled() {
    with_mock!();
    let mock = mock(&["-poll_count", "2", "-check_after", "1"]);
    let ra = before(&mock, "");
    enrolled(&ra, &mock);
    ra.program.log_has("The CA has not decided yet");
    // ir, two polls or three, certConf.
    assert!(messages(&mock, 4) >= 4);
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_client_of_our_own_waits_with_us() {
    with_mock!();
    let mock = mock(&["-poll_count", "2", "-check_after", "1"]);
    let setup = proto_tests::NativeSetup::new();
    let authority = setup.cmp_authority(&mock.url(), &mock.root.certificate, QUIRKS);
    let label = setup.label("on_change = \"accept\"", "hold = \"0s\"");
    let ra = setup.start(&(authority + &label));
    let cmp = ra
        .openssl("ir")
        .mac("device-1", proto_tests::native::SECRET);
    let cmp = cmp.new_key(&mock.key).subject("/O=Devices/CN=mocked");
    let ran = cmp.args(&["-sans", "a.example"]).run();
    assert_eq!(ran.verified(&mock.root.certificate), mock.certificate);
    for sentence in ["'waiting' PKIStatus", "sending POLLREQ", "received PKICONF"] {
        assert!(ran.said().contains(sentence), "{}", ran.said());
    }
    assert_eq!(ra.issued(), 1);
}

#[test]
fn a_rejection_is_told_with_its_words_and_failinfo() {
    with_mock!();
    // Bit 19, badCertTemplate, as the mask that the option wants.
    let text = "no such device";
    let arguments = [
        "-pkistatus",
        "2",
        "-failurebits",
        "524288",
        "-statusstring",
        text,
    ];
    let mock = mock(&arguments);
    let ra = before(&mock, "");
    let said = "CMPv2 server returned following error: no such device";
    failed(&ask(&ra, &mock), &[said, "badCertTemplate"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn several_bits_of_failinfo_are_all_told() {
    with_mock!();
    // badAlg (0), badPOP (9), duplicateCertReq (26).
    let mask = (1 + (1 << 9) + (1 << 26)).to_string();
    let mock = mock(&["-pkistatus", "2", "-failurebits", &mask]);
    let ra = before(&mock, "");
    let told = ["N/A", "badAlg", "badPOP", "duplicateCertReq"];
    failed(&ask(&ra, &mock), &told);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn an_error_message_is_told_as_well() {
    with_mock!();
    let mock = mock(&["-send_error"]);
    let ra = before(&mock, "");
    failed(
        &ask(&ra, &mock),
        &["error processing message", "badRequest"],
    );
    assert_eq!(ra.issued(), 0);
}

#[test]
fn an_unprotected_error_is_told_as_what_nobody_vouches_for() {
    with_mock!();
    let mock = mock(&["-send_error", "-send_unprot_err"]);
    let ra = before(&mock, "");
    failed(
        &ask(&ra, &mock),
        &["error processing message", "not protected"],
    );
    assert_eq!(ra.issued(), 0);
}

#[test]
fn an_unprotected_answer_is_not_believed() {
    with_mock!();
    let mock = mock(&["-send_unprotected"]);
    let setup = proto_tests::NativeSetup::new();
    let authority = setup.cmp_authority(&mock.url(), &mock.root.certificate, QUIRKS);
    let config = format!("[v1]\nhold = \"1s\"\n{authority}{}", setup.label("", ""));
    let ra = setup.start(&config);
    let doubt = "no answer of CA RA that can be believed";
    failed(&ask(&ra, &mock), &[doubt, "not protected"]);
    assert_eq!(ra.issued(), 0);
}

#[test]
fn granted_with_mods_is_granted() {
    with_mock!();
    let mock = mock(&["-pkistatus", "1", "-statusstring", "shorter"]);
    let ra = before(&mock, "");
    enrolled(&ra, &mock);
}

#[test]
fn certificates_between_come_along() {
    with_mock!();
    let folder = tempfile::tempdir().unwrap();
    let stranger = proto_tests::Issuer::root("O=Nobody,CN=Stranger").certificate;
    let path = proto_tests::certs::write(folder.path(), "extra.pem", stranger.to_pem());
    let mock = mock(&["-rsp_extracerts", &path]);
    let ra = before(&mock, "");
    let got = Certificates::of(&ask(&ra, &mock));
    assert_eq!(got.chain, std::slice::from_ref(&mock.certificate));
    assert_eq!(got.trusted[0], mock.root.certificate);
}

#[test]
fn a_renewal_with_the_same_names_is_a_kur_under_the_old_key() {
    with_mock!();
    let mock = mock(&[]);
    let ra = before(
        &mock,
        "quirks = { sha1_answers = true, mac_answers_to_signature = true }",
    );
    // It renews the certificate it has, with itself.
    let request = Request::for_names(SUBJECT, &[NAME], &mock.key);
    let request = request.replacing(&mock.certificate.to_pem(), &mock.key);
    let answer = request.get(&ra.rest(Some(&ra.setup.pki.client)), UPDATE);
    let got = Certificates::of(&answer);
    assert_eq!(got.chain, std::slice::from_ref(&mock.certificate));
    ra.program.log_has("body=\"kup\"");
}

#[test]
fn a_revocation_reaches_it() {
    with_mock!();
    let mock = mock(&[]);
    let ra = before(&mock, "");
    let cmp = ra
        .openssl("ir")
        .mac("device-1", proto_tests::native::SECRET);
    let cmp = cmp.new_key(&mock.key).subject("/O=Devices/CN=mocked");
    let ran = cmp.args(&["-sans", "a.example"]).run();
    let certificate = ran.verified(&mock.root.certificate);
    let cmp = ra
        .openssl("rr")
        .mac("device-1", proto_tests::native::SECRET);
    let ran = cmp.certificates("-oldcert", &[&certificate]).run();
    assert_eq!(ran.ended.code, Some(0), "{}", ran.said());
    assert_eq!(ra.revoked(), 1);
}

#[test]
fn a_p10cr_is_passed_on_unchanged() {
    with_mock!();
    let mock = mock(&[]);
    let ra = before(&mock, "");
    let csr = proto_tests::v1::csr(SUBJECT, &[NAME], &mock.key);
    let cmp = ra
        .openssl("p10cr")
        .mac("device-1", proto_tests::native::SECRET);
    let ran = cmp.file("-csr", "csr.pem", csr).run();
    assert_eq!(ran.verified(&mock.root.certificate), mock.certificate);
    ra.program.log_has("body=\"cp\"");
}

#[test]
fn a_mock_that_dies_before_certconf_gets_it_from_the_next_one_or_the_client_is_told() {
    with_mock!();
    // One message and no more: after ip nobody is there.
    let mock = mock(&["-max_msgs", "1"]);
    let setup = proto_tests::NativeSetup::new();
    let authority = setup.cmp_authority(&mock.url(), &mock.root.certificate, QUIRKS);
    let config = format!(
        "[v1]\nhold = \"1s\"\n{authority}{}",
        setup.label("on_change = \"accept\"", "")
    );
    let ra = setup.start(&config);
    let answer = ask(&ra, &mock);
    assert!([500, 503].contains(&answer.status), "{}", answer.text());
    // What was issued is durable, and waits to be confirmed.
    eventually("issued", || ra.issued() == 1);
    assert_eq!(ra.revoked(), 0);
}

#[test]
fn a_csr_by_rest_v2_travels_as_p10cr() {
    with_mock!();
    let mock = mock(&[]);
    let ra = before(&mock, "");
    let answer = post_csr(&ra, &mock);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["certificate"], mock.certificate.to_pem());
    assert_eq!(body["roots"][0], mock.root.certificate.to_pem());
    assert_eq!(body["kind"], "p10cr");
    ra.program.log_has("a certificate is confirmed");
}

#[test]
fn a_rejection_is_a_problem_of_rest_v2_with_failinfo() {
    with_mock!();
    let text = "no such device";
    let arguments = [
        "-pkistatus",
        "2",
        "-failurebits",
        "524288",
        "-statusstring",
        text,
    ];
    let mock = mock(&arguments);
    let ra = before(&mock, "");
    let answer = post_csr(&ra, &mock);
    assert_eq!(answer.status, 422, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["type"], "https://certway.dev/problems/rejected-by-ca");
    assert_eq!(body["failInfo"].to_string(), r#"["badCertTemplate"]"#);
    assert!(answer.text().contains(text), "{}", answer.text());
    assert_eq!(ra.issued(), 0);
}
