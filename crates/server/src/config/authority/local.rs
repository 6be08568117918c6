//! A CA of our own.

use std::time::Duration;

use ::authority::local::{CaKey, Confirmation, HierarchySettings, LocalSettings};
use jiff::SignedDuration;
use pki::pkcs11::KeyUri;

use super::{LocalConfig, dn};
use crate::config::context::Context;
use crate::config::profile::{ext_key_usages, key_usages};
use crate::config::raw::RawLocal;
use crate::config::token;

pub(super) fn check(at: &str, raw: &RawLocal, cx: &mut Context) -> Option<LocalConfig> {
    let key = |key: &str| format!("{at}.{key}");
    let folder = cx.required(
        &key("folder"),
        raw.folder.as_deref(),
        "the folder of the CA's keys and certificates",
    );
    let root = dn(
        &key("root_subject"),
        raw.root_subject.as_deref().unwrap_or("CN=Certway Root CA"),
        cx,
    );
    let issuing = dn(
        &key("issuing_subject"),
        raw.issuing_subject
            .as_deref()
            .unwrap_or("CN=Certway Issuing CA"),
        cx,
    );
    let default = LocalSettings::default();
    let confirmations = [
        ("implicit", Confirmation::Implicit),
        ("explicit", Confirmation::Explicit),
    ];
    let span = |cx: &mut Context, name: &str, text: &Option<String>, default: SignedDuration| {
        let bounds = Duration::ZERO..=Duration::from_secs(100 * 366 * 86_400);
        let span = cx.span(&key(name), text.as_deref(), bounds);
        span.and_then(|span| SignedDuration::try_from(span).ok())
            .unwrap_or(default)
    };
    let settings = LocalSettings {
        default_validity: span(cx, "validity", &raw.validity, default.default_validity),
        max_validity: span(cx, "max_validity", &raw.max_validity, default.max_validity),
        backdate: span(cx, "backdate", &raw.backdate, default.backdate),
        key_usage: raw
            .key_usage
            .as_ref()
            .map(|words| key_usages(&key("key_usage"), words, cx))
            .or(default.key_usage),
        ext_key_usage: match &raw.ext_key_usage {
            Some(words) => ext_key_usages(&key("ext_key_usage"), words, cx),
            None => default.ext_key_usage,
        },
        copied_extensions: cx
            .parse_all(
                &key("copied_extensions"),
                raw.copied_extensions.as_deref(),
                "an OID, as `1.3.6.1.5.5.7.1.24`",
            )
            .unwrap_or_default(),
        crl_urls: raw.crl_urls.clone().unwrap_or_default(),
        crl_life: span(cx, "crl_life", &raw.crl_life, default.crl_life),
        confirmation: cx.word(
            &key("confirmation"),
            raw.confirmation.as_deref(),
            &confirmations,
            default.confirmation,
        ),
    };
    let mut hierarchy = HierarchySettings::new(root?, issuing?);
    for (name, text, chosen) in [
        ("root_key", &raw.root_key, &mut hierarchy.root_key),
        ("issuing_key", &raw.issuing_key, &mut hierarchy.issuing_key),
    ] {
        let at = key(name);
        if let Some(key) = text.as_deref().and_then(|text| ca_key(&at, text, cx)) {
            *chosen = key;
        }
    }
    hierarchy.root_validity = span(
        cx,
        "root_validity",
        &raw.root_validity,
        hierarchy.root_validity,
    );
    hierarchy.issuing_validity = span(
        cx,
        "issuing_validity",
        &raw.issuing_validity,
        hierarchy.issuing_validity,
    );
    // More levels than anyone has, and a number that no certificate refuses.
    let levels = cx.number(&key("issuing_path_len"), raw.issuing_path_len, 0, 0..=16);
    hierarchy.issuing_path_len = u8::try_from(levels).unwrap_or(0);
    if hierarchy.issuing_validity > hierarchy.root_validity {
        cx.wrong(
            &key("issuing_validity"),
            "longer than the root's",
            "at most `root_validity`",
        );
    }
    Some(LocalConfig {
        folder: cx.files.resolve(folder?),
        hierarchy,
        settings,
    })
}

/// A kind of key to be made, or a key in a token.
fn ca_key(at: &str, text: &str, cx: &mut Context) -> Option<CaKey> {
    if KeyUri::claims(text) {
        return token::key(at, text, None, cx).map(CaKey::Held);
    }
    let valid = "`ec:P-256`, `ec:P-384`, `rsa:3072`, `rsa:4096`, `ed25519`, or a key in a token as `pkcs11:token=…;object=…`";
    cx.parse(at, text, valid).map(CaKey::File)
}
