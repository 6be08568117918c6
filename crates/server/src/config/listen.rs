//! Where we listen and what we bear from whoever connects.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use pki::Certificate;
use pki::keystore::{KeyEntry, Keystore};
use pki::pkcs11::KeyUri;
use secrecy::SecretString;

use super::context::Context;
use super::raw::{RawKeystore, RawListen, RawSecret, RawTruststore};

/// The listeners.
pub struct Listen {
    /// Of REST and, over TLS, CMP.
    pub address: SocketAddr,
    /// TLS; `None`: plain HTTP, for the lab.
    pub tls: Option<Tls>,
    /// Of CMP over plain HTTP, which RFC 9811 allows since messages protect themselves.
    pub cmp: Option<SocketAddr>,
    /// What is borne.
    pub limits: Limits,
}

/// Where the listeners are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Of REST and CMP.
    pub rest: SocketAddr,
    /// Of CMP over plain HTTP.
    pub cmp: Option<SocketAddr>,
}

impl Listen {
    /// Where the listeners are.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        Addresses {
            rest: self.address,
            cmp: self.cmp,
        }
    }
}

/// TLS material as read: changed files make a new one.
pub struct Tls {
    /// The server's key and chain.
    pub identity: KeyEntry,
    /// The CAs whose certificates clients may show.
    pub client_cas: Vec<Certificate>,
    /// Whether a client without one is turned away in the handshake.
    pub client_required: bool,
}

/// Bounds on what strangers may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of request line and header fields together.
    pub header: usize,
    /// Octets of a body.
    pub body: usize,
    /// Connections open at a time; one more is closed at once.
    pub connections: usize,
    /// Requests being worked on at a time; one more gets 503.
    pub requests: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For a complete header block, also between requests on one connection.
    pub header_read: Duration,
    /// How long an answer may lie unread before its connection is cut.
    pub write: Duration,
    /// For everything but REST v1, which has its own `hold`.
    pub request: Duration,
    /// From the signal to stop until open connections are cut.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: 256 << 10,
            body: 1 << 20,
            connections: 4096,
            requests: 2048,
            handshake: Duration::from_secs(10),
            header_read: Duration::from_secs(30),
            write: Duration::from_secs(30),
            request: Duration::from_secs(90),
            shutdown: Duration::from_secs(20),
        }
    }
}

const PATH: &str = "the path of a PEM, PKCS#12 or JKS file";

pub(super) fn check(raw: &RawListen, cx: &mut Context) -> Listen {
    let limits = limits(raw, cx);
    let tls = raw.tls.as_ref().and_then(|tls| {
        let identity = identity("listen.tls", tls, cx);
        let client_cas = raw
            .client_ca
            .as_ref()
            .map(|trust| truststore("listen.client_ca", trust, cx));
        let words = [("required", true), ("optional", false)];
        let client_required = cx.word(
            "listen.client_auth",
            raw.client_auth.as_deref(),
            &words,
            true,
        );
        if client_required && raw.client_ca.is_none() {
            cx.wrong(
                "listen.client_ca",
                "missing, and client certificates are required",
                "a truststore, or `client_auth = \"optional\"`",
            );
        }
        Some(Tls {
            identity: identity?,
            client_cas: client_cas.flatten().unwrap_or_default(),
            client_required,
        })
    });
    if raw.tls.is_none() && (raw.client_ca.is_some() || raw.client_auth.is_some()) {
        cx.wrong(
            "listen.tls",
            "missing: without TLS there are no client certificates",
            "a keystore for the listener",
        );
    }
    let address = address("listen", raw.address.as_deref(), raw.port, 8443, cx);
    let cmp = raw
        .cmp
        .as_ref()
        .map(|cmp| self::address("listen.cmp", cmp.address.as_deref(), cmp.port, 8080, cx));
    if cmp == Some(address) && address.port() != 0 {
        cx.wrong(
            "listen.cmp.port",
            "the same address and port as `listen`",
            "another port",
        );
    }
    Listen {
        address,
        tls,
        cmp,
        limits,
    }
}

fn address(
    key: &str,
    address: Option<&str>,
    port: Option<i64>,
    default: u16,
    cx: &mut Context,
) -> SocketAddr {
    let ip = address.and_then(|text| {
        cx.parse::<IpAddr>(
            &format!("{key}.address"),
            text,
            "an IP address, as `0.0.0.0` or `::1`",
        )
    });
    let port = cx.number(&format!("{key}.port"), port, default.into(), 0..=65535);
    SocketAddr::new(
        ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
        u16::try_from(port).unwrap_or(default),
    )
}

fn limits(raw: &RawListen, cx: &mut Context) -> Limits {
    let default = Limits::default();
    let number =
        |cx: &mut Context, key: &str, value: Option<i64>, default: usize, least: u32, most: u32| {
            cx.number(
                key,
                value,
                u32::try_from(default).unwrap_or(most),
                least..=most,
            ) as usize
        };
    let span =
        |cx: &mut Context, key: &str, value: &Option<String>, default: Duration, most: u64| {
            cx.span(
                key,
                value.as_deref(),
                Duration::from_millis(100)..=Duration::from_secs(most),
            )
            .unwrap_or(default)
        };
    Limits {
        // An update with RSA-4096 and one intermediate needs 16 KiB, more than CertService took.
        header: number(
            cx,
            "listen.max_header_bytes",
            raw.max_header_bytes,
            default.header,
            64 << 10,
            4 << 20,
        ),
        body: number(
            cx,
            "listen.max_body_bytes",
            raw.max_body_bytes,
            default.body,
            16 << 10,
            64 << 20,
        ),
        connections: number(
            cx,
            "listen.max_connections",
            raw.max_connections,
            default.connections,
            1,
            1_000_000,
        ),
        requests: number(
            cx,
            "listen.max_requests",
            raw.max_requests,
            default.requests,
            1,
            1_000_000,
        ),
        handshake: span(
            cx,
            "listen.handshake_timeout",
            &raw.handshake_timeout,
            default.handshake,
            300,
        ),
        header_read: span(
            cx,
            "listen.header_timeout",
            &raw.header_timeout,
            default.header_read,
            3600,
        ),
        write: span(
            cx,
            "listen.write_timeout",
            &raw.write_timeout,
            default.write,
            3600,
        ),
        request: span(
            cx,
            "listen.request_timeout",
            &raw.request_timeout,
            default.request,
            3600,
        ),
        shutdown: span(
            cx,
            "listen.shutdown_within",
            &raw.shutdown_within,
            default.shutdown,
            3600,
        ),
    }
}

/// A key and its chain out of a keystore, or out of two PEM files; of several keys the first.
pub(crate) fn identity(key: &str, raw: &RawKeystore, cx: &mut Context) -> Option<KeyEntry> {
    let path = cx.required(&format!("{key}.keystore"), raw.keystore.as_deref(), PATH)?;
    let mut content = cx.file(&format!("{key}.keystore"), path)?.to_vec();
    if let Some(path) = &raw.key {
        if KeyUri::claims(path) {
            let wrong = "a key in a token, which TLS does not use here";
            cx.wrong(&format!("{key}.key"), wrong, PATH);
            return None;
        }
        content.push(b'\n');
        content.extend_from_slice(&cx.file(&format!("{key}.key"), path)?);
    }
    let password = password(&format!("{key}.password"), raw.password.as_ref(), cx)?;
    let store = open(
        &format!("{key}.keystore"),
        path,
        &content,
        password.as_ref(),
        cx,
    )?;
    let entry = store.entries.into_iter().next();
    cx.required(
        &format!("{key}.keystore"),
        entry,
        "a keystore with a private key and its certificate",
    )
}

/// The trusted certificates of a store.
pub(super) fn truststore(
    key: &str,
    raw: &RawTruststore,
    cx: &mut Context,
) -> Option<Vec<Certificate>> {
    let path = cx.required(
        &format!("{key}.truststore"),
        raw.truststore.as_deref(),
        PATH,
    )?;
    let content = cx.file(&format!("{key}.truststore"), path)?;
    let password = password(&format!("{key}.password"), raw.password.as_ref(), cx)?;
    let store = open(
        &format!("{key}.truststore"),
        path,
        &content,
        password.as_ref(),
        cx,
    )?;
    let found = trusted(store);
    if found.is_empty() {
        cx.wrong(
            &format!("{key}.truststore"),
            format!("`{path}` has no trusted certificate"),
            "a store with the CAs of the clients",
        );
    }
    Some(found)
}

/// What a truststore trusts. Stores written by other tools than Java's carry certificates without its mark; every certificate
/// that stands alone counts.
pub(crate) fn trusted(store: Keystore) -> Vec<Certificate> {
    store
        .trusted
        .into_iter()
        .map(|entry| entry.certificate)
        .collect()
}

/// `Some(None)`: none is configured. `None`: one is, and it cannot be had.
#[allow(clippy::option_option)]
fn password(key: &str, raw: Option<&RawSecret>, cx: &mut Context) -> Option<Option<SecretString>> {
    match raw {
        None => Some(None),
        Some(_) => cx.secret(key, raw).map(Some),
    }
}

fn open(
    key: &str,
    path: &str,
    content: &[u8],
    password: Option<&SecretString>,
    cx: &mut Context,
) -> Option<Keystore> {
    match pki::keystore::read(content, password) {
        Ok(store) => Some(store),
        Err(e) => {
            cx.wrong(key, format!("`{path}`: {e}"), PATH);
            None
        }
    }
}
