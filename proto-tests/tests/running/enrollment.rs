//! One enrollment over REST v2, sent as often as it takes.

use std::io;

use pki::{Certificate, Csr, Name, Template};
use proto_tests::certs::dn;
use proto_tests::{Answer, HttpsClient, Keys, Native};
use serde_json::json;

pub(crate) const CERTIFICATES: &str = "/v2/RA/certificates";

/// The same request under the same idempotency key, each time it is sent.
pub(crate) struct Enrollment {
    key: String,
    body: String,
    pub(crate) subject: Name,
}

impl Enrollment {
    pub(crate) fn of(name: &str) -> Self {
        let subject = dn(&format!("O=Example,CN={name}"));
        let key = Keys::ec();
        let csr = Csr::build(
            &Template::new(subject.clone(), key.public_key().clone()),
            &key,
        );
        Self {
            key: name.to_owned(),
            body: json!({ "csr": csr.unwrap().to_pem() }).to_string(),
            subject,
        }
    }

    fn fields(&self) -> [(&str, &str); 2] {
        [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", &self.key),
        ]
    }

    pub(crate) fn send(&self, client: &HttpsClient) -> io::Result<Answer> {
        client.try_request("POST", CERTIFICATES, &self.fields(), self.body.as_bytes())
    }

    pub(crate) fn send_on(&self, connection: &mut proto_tests::https::Connection) -> Answer {
        let answer = connection.request("POST", CERTIFICATES, &self.fields(), self.body.as_bytes());
        answer.unwrap()
    }
}

/// A client with a certificate.
pub(crate) fn client(native: &Native) -> HttpsClient {
    native.rest(Some(&native.setup.pki.client))
}

#[track_caller]
pub(crate) fn issued(answer: &Answer) -> Certificate {
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    Certificate::from_pem(body["certificate"].as_str().unwrap().as_bytes()).unwrap()
}
