//! Keys in tokens, where a key file could stand: `pkcs11:` URIs and the modules that serve them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use pki::pkcs11::{KeyUri, TokenKey, TokenSettings};
use pki::{Certificate, PublicKey, Signer};

use super::context::Context;
use super::listen::identity;
use super::raw::{RawKeystore, RawPkcs11};

/// A key wherever it is, and its chain.
pub(super) struct SigningIdentity {
    pub(super) signer: Arc<dyn Signer>,
    /// Its certificate first.
    pub(super) chain: Vec<Certificate>,
}

const URI: &str = "`pkcs11:token=LABEL;object=LABEL`, see docs/CONFIG.md";

/// The modules that are configured, by name.
pub(super) fn check(
    raw: &BTreeMap<String, RawPkcs11>,
    cx: &mut Context,
) -> BTreeMap<String, TokenSettings> {
    let mut found = BTreeMap::new();
    for (name, raw) in raw {
        let key = |key: &str| format!("pkcs11.{name}.{key}");
        let valid = "the path of a PKCS#11 library";
        let module = cx.required(&key("module"), raw.module.as_deref(), valid);
        let pin = cx.secret(&key("pin"), raw.pin.as_ref());
        let sessions = cx.number(&key("sessions"), raw.sessions, 4, 1..=64) as usize;
        let timeout = Duration::from_millis(100)..=Duration::from_secs(300);
        let timeout = cx.span(&key("timeout"), raw.timeout.as_deref(), timeout);
        let Some(module) = module else { continue };
        // The library is named whole: the system's loader looks for nothing.
        let module = cx.files.resolve(module);
        let module = std::path::absolute(&module).unwrap_or(module);
        let mut settings = TokenSettings::new(module, pin);
        settings.sessions = NonZeroUsize::new(sessions).unwrap_or(settings.sessions);
        settings.timeout = timeout.unwrap_or(settings.timeout);
        found.insert(name.clone(), settings);
    }
    found
}

/// The key that a URI names. `expected` is the public key of its certificate, where there is one.
pub(super) fn key(
    at: &str,
    text: &str,
    expected: Option<&PublicKey>,
    cx: &mut Context,
) -> Option<Arc<dyn Signer>> {
    let uri: KeyUri = match text.parse() {
        Ok(uri) => uri,
        Err(error) => {
            cx.wrong(at, format!("`{text}`: {error}"), URI);
            return None;
        }
    };
    let settings = match &uri.module {
        Some(name) => cx.tokens.get(name),
        None if cx.tokens.len() == 1 => cx.tokens.values().next(),
        None => None,
    };
    let Some(settings) = settings.cloned() else {
        let names: Vec<String> = cx.tokens.keys().map(|name| format!("`{name}`")).collect();
        let valid = match names.as_slice() {
            [] => "a module in `[pkcs11.NAME]`, of which there is none".to_owned(),
            names => format!("`?module-name=` with one of {}", names.join(", ")),
        };
        cx.wrong(
            at,
            "it is not clear which PKCS#11 module has this key",
            valid,
        );
        return None;
    };
    match TokenKey::open(&settings, &uri, expected) {
        Ok(key) => Some(Arc::new(key)),
        Err(error) => {
            cx.wrong(
                at,
                error.to_string(),
                "a key that signs, in a token that is there",
            );
            None
        }
    }
}

/// A key and its chain: out of files, or the chain out of a file and the key in a token.
pub(super) fn signing_identity(
    at: &str,
    raw: &RawKeystore,
    cx: &mut Context,
) -> Option<SigningIdentity> {
    let Some(uri) = raw.key.as_deref().filter(|key| KeyUri::claims(key)) else {
        let entry = identity(at, raw, cx)?;
        return Some(SigningIdentity {
            signer: Arc::new(entry.key),
            chain: entry.chain,
        });
    };
    let path = format!("{at}.keystore");
    let valid = "the path of a PEM file with the certificate of the key, and those above it";
    let file = cx.required(&path, raw.keystore.clone(), valid)?;
    let chain = cx.certificates(&path, &[file]);
    let leaf = chain.first()?.public_key().clone();
    let signer = key(&format!("{at}.key"), uri, Some(&leaf), cx)?;
    Some(SigningIdentity { signer, chain })
}
