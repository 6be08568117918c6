//! Requests of REST v1, made right first and then spoilt by tests.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pki::{Certificate, Csr, PrivateKey, Template};

use crate::certs::{dn, sans, traditional_pem};
use crate::https::{Answer, HttpsClient};

/// Where certificates are asked for.
pub const ENROLL: &str = "/v1/certificate/RA";
/// Where certificates are updated.
pub const UPDATE: &str = "/v1/certificate-update/RA";

/// The header fields of a request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    fields: Vec<(String, String)>,
}

/// What a request got.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// `certificateChain`.
    pub chain: Vec<Certificate>,
    /// `trustedCertificates`.
    pub trusted: Vec<Certificate>,
    /// `certificateChain` as it came.
    pub chain_pem: Vec<String>,
    /// `trustedCertificates` as it came.
    pub trusted_pem: Vec<String>,
}

/// A CSR in PEM.
pub fn csr(subject: &str, names: &[&str], key: &PrivateKey) -> String {
    let mut template = Template::new(dn(subject), key.public_key().clone());
    template.sans = sans(names);
    Csr::build(&template, key).unwrap().to_pem()
}

/// Base64 in one line.
pub fn base64(text: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(text)
}

impl Request {
    /// Of a CSR and the key it is for, which goes as PKCS#1 when it is RSA, as CSIT has it.
    pub fn new(csr_pem: &str, key: &PrivateKey) -> Self {
        Self::default()
            .with("CSR", base64(csr_pem))
            .with("PK", base64(traditional_pem(key)))
    }

    /// For that subject and those names, and that key.
    pub fn for_names(subject: &str, names: &[&str], key: &PrivateKey) -> Self {
        Self::new(&csr(subject, names, key), key)
    }

    /// With what is to be replaced.
    #[must_use]
    pub fn replacing(self, chain_pem: &str, key: &PrivateKey) -> Self {
        self.with("OLD_CERT", base64(chain_pem))
            .with("OLD_PK", base64(traditional_pem(key)))
    }

    /// With that field instead of any of its name.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// Without that field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// With the field's name spelt otherwise.
    #[must_use]
    pub fn spelling(mut self, name: &str, as_: &str) -> Self {
        for (known, _) in &mut self.fields {
            if known.eq_ignore_ascii_case(name) {
                as_.clone_into(known);
            }
        }
        self
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> &str {
        &self
            .fields
            .iter()
            .find(|(known, _)| known == name)
            .unwrap()
            .1
    }

    /// The fields, for a client.
    pub fn fields(&self) -> Vec<(&str, &str)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// GET there.
    pub fn get(&self, client: &HttpsClient, path: &str) -> Answer {
        client.get(path, &self.fields())
    }
}

impl Certificates {
    /// Out of an answer.
    ///
    /// # Panics
    /// When it is another one than 200 with the two lists of certificates.
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.media_type(), "application/json");
        let body = answer.json();
        let members: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["certificateChain", "trustedCertificates"]);
        let list = |name: &str| -> Vec<String> {
            let texts = body[name].as_array().unwrap().iter();
            texts
                .map(|text| text.as_str().unwrap().to_owned())
                .collect()
        };
        let parse = |texts: &[String]| -> Vec<Certificate> {
            texts
                .iter()
                .map(|text| Certificate::from_pem(text.as_bytes()).unwrap())
                .collect()
        };
        let (chain_pem, trusted_pem) = (list("certificateChain"), list("trustedCertificates"));
        Self {
            chain: parse(&chain_pem),
            trusted: parse(&trusted_pem),
            chain_pem,
            trusted_pem,
        }
    }

    /// The certificate asked for.
    pub fn leaf(&self) -> &Certificate {
        &self.chain[0]
    }

    /// The chain in one text, as CSIT puts it into OLD_CERT.
    pub fn concatenated(&self) -> String {
        self.chain_pem.concat()
    }
}

/// Checks an error: its status, its `errorMessage`, and that it has the members of CertService's framework too.
///
/// # Panics
/// When it is another one.
#[track_caller]
pub fn assert_error(answer: &Answer, status: u16, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.media_type(), "application/json");
    let body = answer.json();
    assert_eq!(body["errorMessage"], message, "{body}");
    assert_eq!(body["status"], status);
    assert!(body["timestamp"].is_string() && body["error"].is_string() && body["path"].is_string());
}
