//! ONAP's CSIT suite for CertService, scenario by scenario in its order, against one service and one CA.

use pki::PrivateKey;
use proto_tests::certs::{pkcs8_pem, traditional_pem};
use proto_tests::v1::{Certificates, ENROLL, Request, UPDATE, base64, csr};
use proto_tests::{Answer, Keys};

use crate::{Pair, SUBJECT};

const NEW_SUBJECT: &str =
    "C=US,ST=California,L=San-Francisco,O=Linux-Foundation,OU=ONAP,CN=new-onap.org";
const ALL_NAMES: [&str; 6] = [
    "dns:onap.org",
    "dns:test.onap.org",
    "dns:onap.com",
    "email:onap@onap.org",
    "ip:127.0.0.1",
    "uri:onap://cluster.local/",
];

struct Suite {
    pair: Pair,
    log_from: usize,
}

impl Suite {
    fn get(&mut self, path: &str, request: &Request) -> Answer {
        self.log_from = self.pair.service.program.output().mark();
        request.get(&self.pair.service.client, path)
    }

    #[track_caller]
    fn returns(&mut self, scenario: &str, path: &str, request: &Request, status: u16) {
        let answer = self.get(path, request);
        assert_eq!(answer.status, status, "{scenario}: {}", answer.text());
    }

    /// As the suite checks it: BEGIN and END in the chain's entries, and the other list is there.
    #[track_caller]
    fn generates(&mut self, scenario: &str, path: &str, request: &Request) -> Certificates {
        let answer = self.get(path, request);
        assert_eq!(answer.status, 200, "{scenario}: {}", answer.text());
        let issued = Certificates::of(&answer);
        for pem in &issued.chain_pem {
            assert!(
                pem.contains("-----BEGIN CERTIFICATE-----")
                    && pem.contains("-----END CERTIFICATE-----")
            );
        }
        issued
    }

    #[track_caller]
    fn logged(&self, sentence: &str) {
        self.pair
            .service
            .program
            .log_has_since(self.log_from, sentence);
    }
}

fn update(csr_pem: &str, key: &PrivateKey, old: &Certificates, old_key: &PrivateKey) -> Request {
    Request::new(csr_pem, key).replacing(&old.concatenated(), old_key)
}

#[test]
fn every_scenario_of_the_suite_passes() {
    let mut suite = Suite {
        pair: Pair::start(),
        log_from: 0,
    };
    let none = Request::default();
    let (key, new_key) = (Keys::rsa(), Keys::rsa3072());
    let right = Request::for_names(SUBJECT, &["dns:onap.org"], &key);

    let health = suite.get("/actuator/health", &none);
    assert_eq!(
        (health.status, &health.json()["status"]),
        (200, &"UP".into()),
        "Health Check"
    );
    suite.returns("Reload Configuration", "/reload", &none, 200);
    suite.returns("Check if application is ready", "/ready", &none, 200);

    assert!(traditional_pem(&key).starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    suite.generates(
        "Generate Certificate In RA Endpoint For CA Name",
        ENROLL,
        &right,
    );
    let all = Request::for_names(SUBJECT, &ALL_NAMES, &key);
    let issued = suite.generates(
        "Generate Certificate with all Sans types In RA Endpoint",
        ENROLL,
        &all,
    );
    assert_eq!(issued.leaf().sans().len(), ALL_NAMES.len());
    let client = "/v1/certificate/Client";
    suite.generates(
        "Generate Certificate In Client Endpoint",
        client,
        &Request::for_names("CN=Node123", &[], &key),
    );

    suite.returns(
        "Report Not Found Error When Path To Service Is Not Valid",
        "/v1/certificate/",
        &right,
        404,
    );
    suite.returns(
        "Report Bad Request Error When Header Is Missing",
        ENROLL,
        &right.clone().without("PK"),
        400,
    );
    let broken_csr = right.clone().with("CSR", "LS0tLS1CRUdJTi");
    suite.returns(
        "Report Bad Request Error When CSR Is Not Valid",
        ENROLL,
        &broken_csr,
        400,
    );
    let csr_as_key = right.clone().with("PK", right.value("CSR"));
    suite.returns(
        "Report Bad Request Error When PK Is Not Valid",
        ENROLL,
        &csr_as_key,
        400,
    );

    let first = Request::for_names(SUBJECT, &ALL_NAMES, &key).with("PK", base64(pkcs8_pem(&key)));
    let old = suite.generates("before the updates", ENROLL, &first);
    let same = csr(SUBJECT, &ALL_NAMES, &new_key);
    let kur = update(&same, &new_key, &old, &key);
    suite.generates(
        "Update Certificate With Key Update Request In RA Endpoint Should Succeed",
        UPDATE,
        &kur,
    );
    suite.logged("Preparing Key Update Request");
    let subject = update(
        &csr(NEW_SUBJECT, &ALL_NAMES, &new_key),
        &new_key,
        &old,
        &key,
    );
    suite.generates(
        "Update Certificate With Certification Request When Subject Changed",
        UPDATE,
        &subject,
    );
    suite.logged("Preparing Certification Request");
    let names = update(
        &csr(SUBJECT, &["dns:new-onap.org"], &new_key),
        &new_key,
        &old,
        &key,
    );
    suite.generates(
        "Update Certificate With Certification Request When Sans Changed",
        UPDATE,
        &names,
    );
    suite.logged("Preparing Certification Request");
    let wrong_key = update(&same, &new_key, &old, &new_key);
    suite.returns(
        "Update Certificate Should Fail When Wrong Old Private Key Is Used",
        UPDATE,
        &wrong_key,
        500,
    );
    suite.logged("Preparing Key Update Request");

    for header in ["OLD_CERT", "OLD_PK", "CSR", "PK"] {
        let incorrect = kur.clone().with(header, "not-valid");
        suite.returns(
            &format!("{header} header is incorrect"),
            UPDATE,
            &incorrect,
            400,
        );
        let missing = kur.clone().without(header);
        suite.returns(
            &format!("{header} header is missing"),
            UPDATE,
            &missing,
            400,
        );
    }
}
