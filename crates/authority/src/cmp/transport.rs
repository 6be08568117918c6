use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::config::{Proxy, TlsIdentity, TlsRoots, TransportSettings};
use super::endpoint::Endpoint;

/// One CA's HTTP client (RFC 9811): connections are kept and shared, redirects are not followed, and nothing an answer
/// says makes us read more than the limit or wait beyond the deadline.
pub(crate) struct Transport {
    client: Client,
    endpoint: Endpoint,
    max_response: usize,
    any_media_type: bool,
    headers: fn(&mut HeaderMap),
}

/// Why there is no answer, told apart by what may be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The CA has not acted on the message: it did not reach it, or the server said so.
    NotSent {
        retry_after: Option<SignedDuration>,
        why: String,
    },
    /// The CA may have acted on it.
    Unknown { why: String },
}

/// Why no client can be made from the settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// A root is not one TLS can use.
    #[error("root certificate `{subject}` cannot be used for TLS: {why}")]
    Root {
        /// Its subject.
        subject: String,
        /// What the TLS library says.
        why: String,
    },
    /// Our certificate and key do not make an identity.
    #[error("the TLS certificate and key cannot be used: {0}")]
    Identity(String),
    /// The proxy cannot be used.
    #[error("the proxy cannot be used: {0}")]
    Proxy(String),
    /// The HTTP library refused the rest.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

const PKIXCMP: &str = "application/pkixcmp";
/// How long a connection is kept that nobody uses. Servers give up theirs after 20 s and more: a message that meets a connection on its way
/// to be closed may or may not have been processed, and its row has to wait.
const UNUSED: Duration = Duration::from_secs(15);
/// What a server may make us wait at most by `Retry-After`.
const LONGEST_RETRY: SignedDuration = SignedDuration::from_hours(1);

impl Transport {
    pub(crate) fn new(
        endpoint: Endpoint,
        settings: &TransportSettings,
        any_media_type: bool,
    ) -> Result<Self, TransportError> {
        let builder = Client::builder()
            .connect_timeout(settings.connect)
            .timeout(settings.total)
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            // Opening connections again and again costs more than an enrollment; who limits calls also limits these.
            .pool_max_idle_per_host(usize::MAX)
            .pool_idle_timeout(UNUSED)
            .http1_only()
            .referer(false);
        let builder = with_proxy(builder, &settings.proxy)?;
        let roots = roots(&endpoint, settings);
        let client = with_tls(builder, roots, settings.tls.identity.as_ref())?
            .build()
            .map_err(|error| TransportError::Client(chain(&error)))?;
        Ok(Self {
            client,
            endpoint,
            max_response: settings.max_response,
            any_media_type,
            headers: settings.headers,
        })
    }

    /// Sends one message and reads one answer, which is a body that claims to be CMP and nothing more.
    pub(crate) async fn post(&self, message: Bytes, now: Timestamp) -> Result<Bytes, NoAnswer> {
        let mut headers = HeaderMap::new();
        (self.headers)(&mut headers);
        let request = self
            .client
            .post(self.endpoint.url().clone())
            .headers(headers)
            .header(CONTENT_TYPE, HeaderValue::from_static(PKIXCMP))
            .body(message);
        let response = request
            .send()
            .await
            .map_err(|error| self.not_answered(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let named = is_pkixcmp(&headers);
        let body = if named || self.any_media_type {
            self.read(response).await?
        } else {
            Bytes::new()
        };
        // A PKIMessage is a SEQUENCE; no HTML begins with its tag.
        let is_cmp = named || (self.any_media_type && body.first() == Some(&0x30));
        match judge(status, is_cmp) {
            Judged::Answer => Ok(body),
            Judged::NotProcessed => Err(NoAnswer::NotSent {
                retry_after: retry_after(&headers, now),
                why: self.described(status, &headers),
            }),
            Judged::Unclear => Err(NoAnswer::Unknown {
                why: self.described(status, &headers),
            }),
        }
    }

    /// Where messages go, for logs.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    async fn read(&self, mut response: Response) -> Result<Bytes, NoAnswer> {
        let limit = self.max_response;
        let too_long = || NoAnswer::Unknown {
            why: format!(
                "{}: the answer is longer than {limit} octets",
                self.endpoint
            ),
        };
        if response
            .content_length()
            .is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > limit))
        {
            return Err(too_long());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.cut_off(error))?
        {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn not_answered(&self, error: reqwest::Error) -> NoAnswer {
        // Until a connection stands nothing of the message has left us; from then on it may have arrived.
        let before = error.is_connect() || error.is_builder();
        let why = format!("{}: {}", self.endpoint, chain(&error.without_url()));
        if before {
            NoAnswer::NotSent {
                retry_after: None,
                why,
            }
        } else {
            NoAnswer::Unknown { why }
        }
    }

    fn cut_off(&self, error: reqwest::Error) -> NoAnswer {
        let why = chain(&error.without_url());
        NoAnswer::Unknown {
            why: format!("{}: the answer broke off: {why}", self.endpoint),
        }
    }

    fn described(&self, status: StatusCode, headers: &HeaderMap) -> String {
        let media_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("no media type");
        format!(
            "{}: HTTP {status} with {} and no CMP message",
            self.endpoint,
            pkixcmp::status::displayable(media_type)
        )
    }
}

/// What an HTTP answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judged {
    /// The body is the CA's answer, whatever the status (RFC 9811 section 3.4).
    Answer,
    /// The server says that it did not act on the message.
    NotProcessed,
    /// It may or may not have.
    Unclear,
}

/// docs/ISSUANCE.md has this table with the reasons.
fn judge(status: StatusCode, is_cmp: bool) -> Judged {
    if is_cmp {
        return Judged::Answer;
    }
    match status.as_u16() {
        // 409: in conflict with what it knows already, so it may know our transaction.
        409 => Judged::Unclear,
        // A redirect or a client error: the server turned the message away. 503 likewise ("currently unable to handle
        // the request"), which is how NCM limits rates.
        300..=499 | 501 | 503 | 505 => Judged::NotProcessed,
        // Success without CMP; 500, 502, 504: something failed on the way or after.
        _ => Judged::Unclear,
    }
}

fn is_pkixcmp(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(PKIXCMP)
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let span = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => jiff::fmt::rfc2822::parse(text)
            .ok()?
            .timestamp()
            .duration_since(now),
    };
    Some(span.clamp(SignedDuration::from_secs(1), LONGEST_RETRY))
}

fn with_proxy(builder: ClientBuilder, proxy: &Proxy) -> Result<ClientBuilder, TransportError> {
    match proxy {
        Proxy::Direct => Ok(builder.no_proxy()),
        Proxy::Environment => Ok(builder),
        Proxy::Through(url) if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") => {
            Err(TransportError::Proxy(format!(
                "scheme `{}`; use http, https, socks5 or socks5h",
                url.scheme()
            )))
        }
        Proxy::Through(url) => {
            let proxy = reqwest::Proxy::all(url.clone())
                .map_err(|error| TransportError::Proxy(chain(&error)))?;
            Ok(builder.no_proxy().proxy(proxy))
        }
    }
}

/// What TLS servers are trusted by. Over plain HTTP to the CA itself none is met, and the system's roots would only take memory.
fn roots<'a>(endpoint: &Endpoint, settings: &'a TransportSettings) -> &'a TlsRoots {
    const NONE: &TlsRoots = &TlsRoots::Only(Vec::new());
    let is_plain = endpoint.url().scheme() == "http" && matches!(settings.proxy, Proxy::Direct);
    match &settings.tls.roots {
        TlsRoots::System if is_plain => NONE,
        roots => roots,
    }
}

fn with_tls(
    builder: ClientBuilder,
    roots: &TlsRoots,
    identity: Option<&TlsIdentity>,
) -> Result<ClientBuilder, TransportError> {
    match roots {
        TlsRoots::Only(roots) => {
            Ok(builder.tls_backend_preconfigured(client_config(roots, identity)?))
        }
        TlsRoots::System => {
            // The HTTP library asks for the process's provider here; if the program chose one before, that stays.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            match identity {
                Some(identity) => Ok(builder.identity(pem_identity(identity)?)),
                None => Ok(builder),
            }
        }
    }
}

fn client_config(
    roots: &[pki::Certificate],
    identity: Option<&TlsIdentity>,
) -> Result<ClientConfig, TransportError> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store
            .add(CertificateDer::from(root.der().to_vec()))
            .map_err(|error| TransportError::Root {
                subject: pki::name::onap::display(root.subject()),
                why: error.to_string(),
            })?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError::Client(error.to_string()))?
        .with_root_certificates(store);
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let chain = identity
                .chain
                .iter()
                .map(|certificate| CertificateDer::from(certificate.der().to_vec()))
                .collect();
            let key = identity
                .key
                .to_pkcs8_der()
                .map_err(|error| TransportError::Identity(error.to_string()))?;
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| TransportError::Identity(error.to_string()))
        }
    }
}

fn pem_identity(identity: &TlsIdentity) -> Result<reqwest::Identity, TransportError> {
    let key = identity
        .key
        .to_pkcs8_pem()
        .map_err(|error| TransportError::Identity(error.to_string()))?;
    let mut pem = pki_pem(&identity.chain);
    pem.push_str(&key);
    reqwest::Identity::from_pem(pem.as_bytes())
        .map_err(|error| TransportError::Identity(chain(&error)))
}

fn pki_pem(certificates: &[pki::Certificate]) -> String {
    certificates.iter().map(pki::Certificate::to_pem).collect()
}

/// An error with its causes, each once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cmp_body_is_the_answer_whatever_the_status() {
        for status in [200, 400, 404, 500, 503] {
            assert_eq!(
                judge(StatusCode::from_u16(status).unwrap(), true),
                Judged::Answer
            );
        }
    }

    #[test]
    fn what_the_server_turned_away_was_not_processed() {
        for status in [
            301, 302, 307, 308, 400, 401, 403, 404, 405, 413, 415, 429, 501, 503, 505,
        ] {
            assert_eq!(
                judge(StatusCode::from_u16(status).unwrap(), false),
                Judged::NotProcessed,
                "{status}"
            );
        }
    }

    #[test]
    fn what_may_have_been_processed_is_unclear() {
        for status in [200, 202, 204, 409, 500, 502, 504, 599] {
            assert_eq!(
                judge(StatusCode::from_u16(status).unwrap(), false),
                Judged::Unclear,
                "{status}"
            );
        }
    }

    #[test]
    fn the_media_type_is_read_without_case_and_parameters() {
        let is = |text: &'static str| {
            is_pkixcmp(&HeaderMap::from_iter([(
                CONTENT_TYPE,
                HeaderValue::from_static(text),
            )]))
        };
        assert!(is("application/pkixcmp") && is("Application/PKIXCMP; charset=binary"));
        assert!(
            !is("text/html") && !is("application/pkixcmp-poll") && !is_pkixcmp(&HeaderMap::new())
        );
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date_and_is_bounded() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let read = |text: &'static str| {
            retry_after(
                &HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]),
                now,
            )
        };
        assert_eq!(read("120"), Some(SignedDuration::from_secs(120)));
        assert_eq!(
            read("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(SignedDuration::from_secs(30))
        );
        assert_eq!(read("999999"), Some(LONGEST_RETRY));
        assert_eq!(read("0"), Some(SignedDuration::from_secs(1)));
        assert_eq!(read("soon"), None);
    }
}
