//! REST v1: the request and its key in header fields of a GET.

use anyhow::{Context, bail};
use api::v1::{CertificationResponseModel, ErrorResponseModel};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use pki::{Certificate, KeyKind, PrivateKey};

use super::super::{LABEL, material};
use super::Got;

/// Asks as ONAP's client did, with an RSA key.
pub(super) async fn enroll(http: &reqwest::Client, rest: &str) -> anyhow::Result<Got> {
    let key = PrivateKey::generate(KeyKind::Rsa { bits: 2048 })?;
    let csr = material::request(
        &key,
        "O=Certway Demo,CN=rest-v1",
        "dns:rest-v1.demo.example",
    )?;
    let response = http
        .get(format!("{rest}/v1/certificate/{LABEL}"))
        .header("CSR", BASE64_STANDARD.encode(csr.to_pem()))
        .header("PK", BASE64_STANDARD.encode(key.to_pkcs8_pem()?.as_bytes()))
        .send()
        .await?;
    let status = response.status();
    if !status.is_success() {
        let why = response.json::<ErrorResponseModel>().await;
        let why = why.map_or_else(
            |_| String::new(),
            |error| {
                format!(
                    ": {} {}",
                    error.error_message,
                    error.detail.unwrap_or_default()
                )
            },
        );
        bail!("HTTP status {status}{why}");
    }
    let answer: CertificationResponseModel = response.json().await?;
    let certificates = answer
        .certificate_chain
        .iter()
        .chain(&answer.trusted_certificates);
    let all = certificates
        .map(|pem| Certificate::from_pem(pem.as_bytes()))
        .collect::<Result<Vec<_>, _>>()?;
    let (leaf, others) = all.split_first().context("the answer has no certificate")?;
    Got::checked(key, leaf, others, Timestamp::now())
}
