//! Clients of the certway-ra: over real sockets and real TLS, as anyone's would be.

use anyhow::Context;
use authority::cmp::{
    AnswerTrust, CmpAuthority, CmpConfig, MacForm, MacIdentity, Protection, SaltLife,
};
use pkixcmp::protection::MacSecret;
use ra::AuthorityName;

use super::LABEL;
use super::material::{DEVICE, Material};
use super::ports::Ports;

/// Where things are.
pub(super) fn rest(ports: &Ports) -> String {
    format!("https://127.0.0.1:{}", ports.rest)
}

/// CMP over plain HTTP.
pub(super) fn cmp(ports: &Ports) -> String {
    format!("http://127.0.0.1:{}/.well-known/cmp/p/{LABEL}", ports.cmp)
}

/// CMP over HTTPS.
pub(super) fn cmp_over_tls(ports: &Ports) -> String {
    format!("{}/.well-known/cmp/p/{LABEL}", rest(ports))
}

/// The CA's list of what it revoked, as its certificates name it.
pub(super) fn crl(ports: &Ports) -> String {
    format!("http://127.0.0.1:{}/crl/signer.crl", ports.ca)
}

/// An HTTPS client that shows the demo's client certificate.
pub(super) fn https(material: &Material) -> anyhow::Result<reqwest::Client> {
    // Another part of the process may have done so already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let root = reqwest::Certificate::from_der(material.root.der())?;
    let identity = reqwest::Identity::from_pem(material.client.as_bytes())?;
    reqwest::Client::builder()
        .tls_certs_only([root])
        .identity(identity)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .context("no HTTPS client can be made")
}

/// A device that protects its messages by a secret it shares with the certway-ra. To the client of CMP we have, that is the CA.
pub(super) fn device(ports: &Ports, material: &Material) -> anyhow::Result<CmpAuthority> {
    let protection = Protection::Mac(MacIdentity {
        reference: DEVICE.into(),
        secret: MacSecret::new(material.device_secret.as_bytes()),
        form: MacForm::PBM_SHA256,
        salt: SaltLife::default(),
    });
    let name = AuthorityName::new("certway-ra");
    let config = CmpConfig::rfc9483(name, cmp(ports).parse()?, protection, AnswerTrust::MacOnly);
    Ok(CmpAuthority::new(config)?)
}
