use std::sync::Arc;
use std::time::Duration;

use pki::Certificate;
use reqwest::header::HeaderMap;

/// How to get to a CA.
#[derive(Clone)]
pub struct TransportSettings {
    /// Until TCP (and TLS) stand.
    pub connect: Duration,
    /// Until the last octet of the answer.
    pub total: Duration,
    /// Most octets of an answer.
    pub max_response: usize,
    /// By way of whom.
    pub proxy: Proxy,
    /// For `https`.
    pub tls: TlsSettings,
    /// What every call carries beside CMP: a trace, say.
    pub headers: fn(&mut HeaderMap),
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            max_response: pkixcmp::limits::MESSAGE,
            proxy: Proxy::Direct,
            tls: TlsSettings::default(),
            headers: |_| {},
        }
    }
}

/// By way of whom messages go.
#[derive(Clone, Debug, Default)]
pub enum Proxy {
    /// Nobody.
    #[default]
    Direct,
    /// Whoever the environment names (`HTTPS_PROXY`, `NO_PROXY` and their like).
    Environment,
    /// This one: `http://`, `https://`, `socks5://` (names resolved here) or `socks5h://` (names resolved there).
    Through(url::Url),
}

/// TLS towards one CA.
#[derive(Clone, Default)]
pub struct TlsSettings {
    /// Which server certificates are believed.
    pub roots: TlsRoots,
    /// Who we are, if the CA asks.
    pub identity: Option<TlsIdentity>,
}

/// Which server certificates are believed.
#[derive(Clone, Debug, Default)]
pub enum TlsRoots {
    /// Those the operating system believes.
    #[default]
    System,
    /// Those below these roots and no others.
    Only(Vec<Certificate>),
}

/// Our certificate for TLS: a key of its own, neither the RA's nor a CA's.
#[derive(Clone)]
pub struct TlsIdentity {
    /// Its certificate first, then the ones above it.
    pub chain: Vec<Certificate>,
    /// The key.
    pub key: Arc<pki::PrivateKey>,
}
