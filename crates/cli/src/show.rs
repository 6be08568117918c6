//! `certway show`: what is in a file.

use pki::{
    Certificate, Csr, PrivateKey, PublicKey,
    keystore::{self, Keystore},
    name::onap,
    usage::Usage,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    args::Show,
    exit::{Exit, Failure},
    files,
    report::{Report, hex, lines, names, serial, subject},
    secret::secret,
};
use api::client::with_causes;

/// Shows certificates, requests, keys and stores. Of a private key only what is public.
pub(crate) fn run(options: &Show) -> Result<Report, Failure> {
    let bytes = files::read(&options.file, files::LARGEST_INPUT)?;
    let password = secret(options.password_file.as_deref(), "CERTWAY_PASSWORD")?;
    let items = items(&bytes, password.as_ref())
        .map_err(|why| Failure::new(Exit::Local, format!("{}: {why}", options.file.display())))?;
    let text = items.iter().map(Item::text).collect::<Vec<_>>().join("\n");
    let json = Value::Array(items.iter().map(Item::json).collect());
    Ok(Report::Both { text, json })
}

/// One thing in a file.
enum Item {
    Certificate {
        what: String,
        certificate: Box<Certificate>,
    },
    Request(Box<Csr>),
    Key {
        what: String,
        key: PublicKey,
    },
    Other(String),
}

fn items(bytes: &[u8], password: Option<&SecretString>) -> Result<Vec<Item>, String> {
    if bytes.windows(11).any(|w| w == b"-----BEGIN ") {
        return pem(bytes, password);
    }
    if let Ok(certificate) = Certificate::from_der(bytes.to_vec()) {
        return Ok(vec![plain(certificate)]);
    }
    if let Ok(csr) = Csr::from_der(bytes.to_vec()) {
        return Ok(vec![Item::Request(Box::new(csr))]);
    }
    if let Ok(key) = PrivateKey::from_der(bytes) {
        return Ok(vec![private(&key)]);
    }
    if let Some(Ok(key)) = password.map(|p| PrivateKey::from_encrypted_der(bytes, p)) {
        return Ok(vec![private(&key)]);
    }
    keystore::read(bytes, password)
        .map(store)
        .map_err(|e| with_causes(&e))
}

fn pem(bytes: &[u8], password: Option<&SecretString>) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    for block in pki::pem::blocks(bytes) {
        let block = block.map_err(|e| e.to_string())?;
        let der = &block.der;
        items.push(
            if let Ok(certificate) = Certificate::from_der(der.to_vec()) {
                plain(certificate)
            } else if let Ok(csr) = Csr::from_der(der.to_vec()) {
                Item::Request(Box::new(csr))
            } else if let Ok(key) = PrivateKey::from_der(der) {
                private(&key)
            } else if let Some(Ok(key)) = password.map(|p| PrivateKey::from_encrypted_der(der, p)) {
                private(&key)
            } else if let Ok(key) = PublicKey::from_spki_der(der.to_vec()) {
                Item::Key {
                    what: "public key".to_owned(),
                    key,
                }
            } else {
                Item::Other(format!(
                    "{} ({} bytes), which is not shown",
                    block.label,
                    der.len()
                ))
            },
        );
    }
    if items.is_empty() {
        Err("no PEM block in it".to_owned())
    } else {
        Ok(items)
    }
}

fn store(store: Keystore) -> Vec<Item> {
    let mut items = Vec::new();
    for entry in store.entries {
        items.push(Item::Key {
            what: format!("private key {:?}", entry.alias),
            key: entry.key.public_key().clone(),
        });
        items.extend(entry.chain.into_iter().map(plain));
    }
    items.extend(store.trusted.into_iter().map(|t| Item::Certificate {
        what: format!("trusted {:?}", t.alias),
        certificate: Box::new(t.certificate),
    }));
    items
}

fn plain(certificate: Certificate) -> Item {
    let what = match (certificate.is_self_signed(), certificate.is_ca()) {
        (true, true) => "root certificate",
        (true, false) => "self-signed certificate",
        (false, true) => "CA certificate",
        (false, false) => "certificate",
    };
    Item::Certificate {
        what: what.to_owned(),
        certificate: Box::new(certificate),
    }
}

fn private(key: &PrivateKey) -> Item {
    Item::Key {
        what: "private key".to_owned(),
        key: key.public_key().clone(),
    }
}

impl Item {
    fn text(&self) -> String {
        match self {
            Self::Certificate {
                what,
                certificate: c,
            } => {
                let body = lines(&[
                    ("  subject", subject(c)),
                    ("  issuer", onap::display(c.issuer())),
                    ("  serial", serial(c)),
                    (
                        "  valid",
                        format!("{} to {}", c.not_before(), c.not_after()),
                    ),
                    ("  names", names(c).join(", ")),
                    ("  key", c.public_key().kind().to_string()),
                    ("  key id", hex(&c.public_key().key_id())),
                    ("  usages", usages(c).join(", ")),
                    ("  SHA-256", hex(&c.fingerprint())),
                ]);
                format!("{what}\n{body}")
            }
            Self::Request(csr) => {
                let wanted = csr.template().map(|t| t.sans).unwrap_or_default();
                let body = lines(&[
                    ("  subject", onap::display(csr.subject())),
                    (
                        "  names",
                        wanted
                            .iter()
                            .map(ToString::to_string)
                            .collect::<Vec<_>>()
                            .join(", "),
                    ),
                    ("  key", csr.public_key().kind().to_string()),
                    ("  key id", hex(&csr.public_key().key_id())),
                    (
                        "  signature",
                        if csr.verify().is_ok() {
                            "holds"
                        } else {
                            "does not hold"
                        }
                        .to_owned(),
                    ),
                ]);
                format!("certificate signing request\n{body}")
            }
            Self::Key { what, key } => format!(
                "{what}\n{}",
                lines(&[
                    ("  key", key.kind().to_string()),
                    ("  key id", hex(&key.key_id()))
                ])
            ),
            Self::Other(what) => format!("{what}\n"),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Certificate {
                what,
                certificate: c,
            } => json!({
                "type": "certificate",
                "what": what,
                "subject": subject(c),
                "issuer": onap::display(c.issuer()),
                "serial": serial(c),
                "notBefore": c.not_before(),
                "notAfter": c.not_after(),
                "names": names(c),
                "key": c.public_key().kind().to_string(),
                "keyId": hex(&c.public_key().key_id()),
                "usages": usages(c),
                "isCa": c.is_ca(),
                "fingerprint": hex(&c.fingerprint()),
            }),
            Self::Request(csr) => json!({
                "type": "request",
                "subject": onap::display(csr.subject()),
                "names": csr.template().map(|t| t.sans).unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>(),
                "key": csr.public_key().kind().to_string(),
                "keyId": hex(&csr.public_key().key_id()),
                "signatureHolds": csr.verify().is_ok(),
            }),
            Self::Key { what, key } => {
                json!({ "type": "key", "what": what, "key": key.kind().to_string(), "keyId": hex(&key.key_id()) })
            }
            Self::Other(what) => json!({ "type": "other", "what": what }),
        }
    }
}

fn usages(certificate: &Certificate) -> Vec<String> {
    let own = certificate
        .key_usage()
        .into_iter()
        .flat_map(|usages| usages.iter().map(Usage::Key).collect::<Vec<_>>());
    let extended = certificate
        .ext_key_usage()
        .unwrap_or_default()
        .iter()
        .copied()
        .map(Usage::Extended);
    own.chain(extended).map(|usage| usage.to_string()).collect()
}
