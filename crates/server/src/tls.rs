//! TLS material to a rustls configuration.

use std::sync::Arc;

use arc_swap::ArcSwap;
use pki::Certificate;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::config::{Problem, Tls};

/// What a listener does its handshakes with, exchangeable while it serves: those under way end with what they began with.
#[derive(Clone)]
pub struct Exchangeable(Arc<ArcSwap<ServerConfig>>);

impl Exchangeable {
    /// This one first.
    #[must_use]
    pub fn new(config: ServerConfig) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(config)))
    }

    /// For a handshake that begins now.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }

    /// From now on this one.
    pub fn exchange(&self, config: ServerConfig) {
        self.0.store(Arc::new(config));
    }
}

/// The server's side of TLS 1.2 and 1.3: the keystore's whole chain is sent, tickets spare returning clients the key exchange.
///
/// # Errors
/// What cannot be used, and what could.
pub fn server_config(material: &Tls) -> Result<ServerConfig, Problem> {
    let problem = |key: &str, wrong: String, valid: &str| Problem {
        key: key.to_owned(),
        wrong,
        valid: valid.to_owned(),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let identity = &material.identity;
    let chain: Vec<_> = identity.chain.iter().map(der).collect();
    let key = identity
        .key
        .to_pkcs8_der()
        .map(|key| PrivateKeyDer::Pkcs8(key.to_vec().into()))
        .map_err(|e| problem("listen.tls", e.to_string(), "an RSA, EC or Ed25519 key"))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| problem("listen.tls", e.to_string(), ""))?;
    let builder = match verifier(material, provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|e| {
        problem(
            "listen.tls",
            e.to_string(),
            "an RSA, EC or Ed25519 key with its certificate",
        )
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(|e| {
        problem(
            "listen.tls",
            format!("no randomness for session tickets: {e}"),
            "",
        )
    })?;
    Ok(config)
}

fn verifier(
    material: &Tls,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, Problem> {
    if material.client_cas.is_empty() {
        return Ok(None);
    }
    let valid = "CA certificates that clients' certificates chain to";
    let problem = |wrong: String| Problem {
        key: "listen.client_ca".to_owned(),
        wrong,
        valid: valid.to_owned(),
    };
    let mut roots = RootCertStore::empty();
    for ca in &material.client_cas {
        roots
            .add(der(ca))
            .map_err(|e| problem(format!("`{}`: {e}", pki::name::onap::display(ca.subject()))))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if material.client_required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    builder
        .build()
        .map(Some)
        .map_err(|e| problem(e.to_string()))
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.der().to_vec())
}
