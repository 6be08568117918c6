//! One entry of `cmpServers.json`: its rules, and the authority, profile and label it becomes.

use std::fmt;

use authority::cmp::{
    AnswerTrust, CmpConfig, Confirmation, Dialect, Endpoint, MacForm, Protection, SignerRule,
    TlsRoots,
};
use pki::{Certificate, Name};
use pkixcmp::protection::MacSecret;
use ra::AuthorityName;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::masked;
use super::reader::Reader;

/// A CA as `cmpServers.json` describes it. Shown with its secrets masked.
#[derive(Clone)]
pub struct ServerEntry {
    /// The name in the URL.
    pub ca_name: String,
    /// Where the CA listens.
    pub url: Endpoint,
    /// The CA's name, encoded left to right as written.
    pub issuer: Name,
    /// As written, for the log.
    pub issuer_text: String,
    /// The secret shared with the CA ("initial authentication key").
    pub iak: SecretString,
    /// What the CA knows the secret by ("reference value").
    pub rv: SecretString,
    /// Ours: the roots that certificates and signed answers have to chain to, instead of trusting by `issuerDN`.
    pub trusted: Option<Vec<Certificate>>,
    /// Ours: the roots of the CA's HTTPS server, instead of the system's.
    pub tls_trusted: Option<Vec<Certificate>>,
    /// Ours: principals that may use this CA; everyone the truststore lets in when absent.
    pub allowed_clients: Option<Vec<String>>,
    /// Ours: which MAC protects our requests.
    pub mac: EntryMac,
    /// Ours: whether messages are filled in as RFC 9483 wants instead of as CertService did.
    pub rfc9483: bool,
}

/// Which MAC protects requests to the CA of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntryMac {
    /// What CertService sends: an entry that says nothing gets the same bytes as before.
    #[default]
    PbmSha1,
    /// PBM with SHA-256.
    PbmSha256,
    /// PBMAC1 with HMAC-SHA256.
    Pbmac1,
}

/// CertService's bounds, counted in characters.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 1..=128;
const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 1..=256;

impl ServerEntry {
    /// The entry at `at` (`cmpv2Servers[0]`); what is wrong goes to `reader`.
    pub(super) fn read(at: &str, value: &Value, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(entry) = value.as_object() else {
            reader.mistyped(
                at,
                value,
                "an object with caName, url, issuerDN and authentication",
            );
            return None;
        };
        let ca_name = bounded(at, entry, "caName", NAME_LENGTH, reader);
        let url = text(
            at,
            entry,
            "url",
            "`http://host:port/path` or `https://…`",
            reader,
        )
        .and_then(|url| parsed(&format!("{at}.url"), url.parse::<Endpoint>(), reader));
        let issuer_text = text(
            at,
            entry,
            "issuerDN",
            "a name like `O=Example,CN=CA`",
            reader,
        );
        let issuer = issuer_text.and_then(|text| {
            parsed(
                &format!("{at}.issuerDN"),
                pki::name::onap::parse(text),
                reader,
            )
        });
        let secrets = authentication(at, entry, reader);
        let optional = Self::optional(at, entry, reader);
        let (iak, rv) = secrets?;
        Some(Self {
            ca_name: ca_name?.to_owned(),
            url: url?,
            issuer: issuer?,
            issuer_text: issuer_text?.to_owned(),
            iak,
            rv,
            ..optional?
        })
    }

    /// Members CertService does not know. Anything else is passed over as it did: files still carry `caMode`.
    fn optional(at: &str, entry: &Map<String, Value>, reader: &mut Reader<'_>) -> Option<Self> {
        let trusted = certificates(at, entry, "trustedCerts", reader);
        let tls_trusted = certificates(at, entry, "tlsTrustedCerts", reader);
        let allowed_clients = list(at, entry, "allowedClients", reader);
        let words = [
            ("pbm-sha1", EntryMac::PbmSha1),
            ("pbm-sha256", EntryMac::PbmSha256),
            ("pbmac1", EntryMac::Pbmac1),
        ];
        let mac = word(at, entry, "mac", &words, reader);
        let rfc9483 = word(
            at,
            entry,
            "dialect",
            &[("onap", false), ("rfc9483", true)],
            reader,
        );
        // The rest is filled in by the caller; an endpoint has no neutral value.
        Some(Self {
            ca_name: String::new(),
            url: "http://unset/".parse().ok()?,
            issuer: Name::default(),
            issuer_text: String::new(),
            iak: SecretString::default(),
            rv: SecretString::default(),
            trusted,
            tls_trusted,
            allowed_clients,
            mac,
            rfc9483,
        })
    }
}

impl fmt::Debug for ServerEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "caName='{}', url='{}', issuerDN='{}', iak='{}', rv='{}'",
            self.ca_name,
            self.url,
            self.issuer_text,
            masked(&self.iak),
            masked(&self.rv)
        )
    }
}

fn authentication(
    at: &str,
    entry: &Map<String, Value>,
    reader: &mut Reader<'_>,
) -> Option<(SecretString, SecretString)> {
    let at = format!("{at}.authentication");
    let inner = match entry.get("authentication") {
        None | Some(Value::Null) => {
            reader.wrong(&at, "missing", "an object with iak and rv");
            return None;
        }
        Some(Value::Object(inner)) => inner,
        Some(other) => {
            reader.mistyped(&at, other, "an object with iak and rv");
            return None;
        }
    };
    for name in inner
        .keys()
        .filter(|name| !["iak", "rv"].contains(&name.as_str()))
    {
        reader.malformed(&format!("{at}.{name}"), "no such member", "`iak`, `rv`");
    }
    let iak = bounded(&at, inner, "iak", SECRET_LENGTH, reader).map(SecretString::from);
    let rv = bounded(&at, inner, "rv", SECRET_LENGTH, reader).map(SecretString::from);
    Some((iak?, rv?))
}

fn text<'a>(
    at: &str,
    entry: &'a Map<String, Value>,
    name: &str,
    valid: &str,
    reader: &mut Reader<'_>,
) -> Option<&'a str> {
    let key = format!("{at}.{name}");
    match entry.get(name) {
        None | Some(Value::Null) => {
            reader.wrong(&key, "missing", valid);
            None
        }
        Some(Value::String(text)) => Some(text),
        Some(other) => {
            reader.mistyped(&key, other, "a string");
            None
        }
    }
}

fn bounded<'a>(
    at: &str,
    entry: &'a Map<String, Value>,
    name: &str,
    length: std::ops::RangeInclusive<usize>,
    reader: &mut Reader<'_>,
) -> Option<&'a str> {
    let valid = format!(
        "a string of {} to {} characters",
        length.start(),
        length.end()
    );
    let text = text(at, entry, name, &valid, reader)?;
    let count = text.chars().count();
    if length.contains(&count) {
        return Some(text);
    }
    reader.wrong(
        &format!("{at}.{name}"),
        format!("{count} characters long"),
        valid,
    );
    None
}

fn parsed<T, E: fmt::Display>(
    key: &str,
    parsed: Result<T, E>,
    reader: &mut Reader<'_>,
) -> Option<T> {
    parsed
        .map_err(|e| reader.wrong(key, e.to_string(), ""))
        .ok()
}

/// A string or a list of strings.
fn list(
    at: &str,
    entry: &Map<String, Value>,
    name: &str,
    reader: &mut Reader<'_>,
) -> Option<Vec<String>> {
    let key = format!("{at}.{name}");
    match entry.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(values) => {
            let mut found = Vec::new();
            for (i, value) in values.iter().enumerate() {
                match value.as_str() {
                    Some(text) => found.push(text.to_owned()),
                    None => reader.mistyped(&format!("{key}[{i}]"), value, "a string"),
                }
            }
            Some(found)
        }
        other => {
            reader.mistyped(&key, other, "a list of strings");
            None
        }
    }
}

/// Certificates as PEM text or as paths of files with them.
fn certificates(
    at: &str,
    entry: &Map<String, Value>,
    name: &str,
    reader: &mut Reader<'_>,
) -> Option<Vec<Certificate>> {
    let key = format!("{at}.{name}");
    let mut found = Vec::new();
    for (i, text) in list(at, entry, name, reader)?.iter().enumerate() {
        found.extend(reader.certificates(&format!("{key}[{i}]"), text));
    }
    if found.is_empty() {
        reader.wrong(
            &key,
            "no certificate in it",
            "PEM text, or paths of files with certificates",
        );
    }
    Some(found)
}

fn word<T: Copy + Default>(
    at: &str,
    entry: &Map<String, Value>,
    name: &str,
    words: &[(&str, T)],
    reader: &mut Reader<'_>,
) -> T {
    let Some(value) = entry.get(name).filter(|value| !value.is_null()) else {
        return T::default();
    };
    if let Some((_, found)) = words.iter().find(|(word, _)| value.as_str() == Some(word)) {
        return *found;
    }
    let valid: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    reader.wrong(
        &format!("{at}.{name}"),
        "none of the words",
        valid.join(", "),
    );
    T::default()
}

/// A name of `allowedClients` as a pattern of principals: what has no kind in front is a subject.
pub(super) fn client_pattern(text: &str) -> ra::TextPattern {
    let kinds = [
        "mtls:", "subject:", "dns:", "ip:", "email:", "uri:", "caller:", "token:", "jwt:",
    ];
    if kinds.iter().any(|kind| text.starts_with(kind)) {
        ra::TextPattern::new(text)
    } else {
        ra::TextPattern::new(format!("subject:{text}"))
    }
}

impl ServerEntry {
    /// The CA to be asked: what CertService sent and took, unless the entry says otherwise.
    pub(crate) fn authority(&self) -> CmpConfig {
        let secret = MacSecret::new(self.iak.expose_secret().as_bytes());
        let reference = self.rv.expose_secret().as_bytes().to_vec().into();
        let name = AuthorityName::new(&self.ca_name);
        let mut config = CmpConfig::onap(
            name,
            self.url.clone(),
            self.issuer.clone(),
            reference,
            secret,
        );
        if let Protection::Mac(mac) = &mut config.protection {
            mac.form = match self.mac {
                EntryMac::PbmSha1 => MacForm::PBM_SHA1,
                EntryMac::PbmSha256 => MacForm::PBM_SHA256,
                EntryMac::Pbmac1 => MacForm::PBMAC1_SHA256,
            };
        }
        if let Some(anchors) = &self.trusted {
            config.trust = AnswerTrust::Anchors {
                anchors: anchors.clone(),
                signer: SignerRule::CaOrCmcCa,
            };
        }
        if let Some(roots) = &self.tls_trusted {
            config.transport.tls.roots = TlsRoots::Only(roots.clone());
        }
        if self.rfc9483 {
            config.dialect = Dialect::Rfc9483;
            config.confirmation = Confirmation::Explicit;
        }
        config
    }
}
