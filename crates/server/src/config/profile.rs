//! Profiles: what is allowed.

use std::time::Duration;

use jiff::SignedDuration;
use pki::usage::Usage;
use pki::{KeyKind, KeyUsages, ObjectIdentifier};
use ra::{
    Anchors, AuthorityName, KeyRules, NameKind, NameRules, OnChange, Profile, ProfileName,
    Requesters, TextPattern, UsageRules, ValidityRules,
};

use super::context::Context;
use super::raw::RawProfile;

const DAY: u64 = 86_400;
/// No certificate anyone asks for lives longer.
const LONGEST: Duration = Duration::from_secs(100 * 366 * DAY);

pub(super) fn check(name: &str, raw: &RawProfile, cx: &mut Context) -> Option<Profile> {
    let at = format!("profiles.{name}");
    let key = |key: &str| format!("{at}.{key}");
    let authority = cx.required(
        &key("authority"),
        raw.authority.clone(),
        "the name of one of `authorities`",
    );
    let anchors = anchors(&at, raw, cx);
    let validity = ValidityRules {
        default: lifetime(&key("validity"), raw.validity.as_deref(), cx),
        most: lifetime(&key("max_validity"), raw.max_validity.as_deref(), cx),
    };
    if let (Some(default), Some(most)) = (validity.default, validity.most)
        && default > most
    {
        cx.wrong(
            &key("validity"),
            "longer than `max_validity`",
            "at most as long",
        );
    }
    let on_change = [
        ("reject", OnChange::Reject),
        ("warn", OnChange::Warn),
        ("accept", OnChange::Accept),
    ];
    let confirm_within = Duration::from_secs(1)..=Duration::from_secs(30 * DAY);
    Some(Profile {
        name: ProfileName::new(name),
        requesters: requesters(&key("requesters"), raw.requesters.as_deref()),
        keys: keys(&key("keys"), raw.keys.as_deref(), cx),
        names: names(&at, raw, cx),
        validity,
        usages: usages(&at, raw, cx),
        ca_certificates: raw.ca_certificates,
        on_change: cx.word(
            &key("on_change"),
            raw.on_change.as_deref(),
            &on_change,
            OnChange::Warn,
        ),
        confirm_within: cx
            .span(
                &key("confirm_within"),
                raw.confirm_within.as_deref(),
                confirm_within,
            )
            .and_then(|span| SignedDuration::try_from(span).ok())
            .unwrap_or(SignedDuration::from_mins(5)),
        authority: AuthorityName::new(authority?),
        anchors: anchors?,
    })
}

/// Who: patterns of principals; nothing said means whoever is authenticated.
pub(super) fn requesters(_key: &str, patterns: Option<&[String]>) -> Requesters {
    match patterns {
        None => Requesters::Any,
        Some(patterns) => Requesters::Only(patterns.iter().map(TextPattern::new).collect()),
    }
}

fn anchors(at: &str, raw: &RawProfile, cx: &mut Context) -> Option<Anchors> {
    match (&raw.anchors, &raw.issuer_dn) {
        (Some(paths), None) => {
            let key = format!("{at}.anchors");
            let found = cx.certificates(&key, paths);
            if paths.is_empty() {
                cx.wrong(
                    &key,
                    "the list is empty",
                    "files with the roots that issued certificates have to chain to",
                );
            }
            Some(Anchors::Configured(found))
        }
        (None, Some(text)) => match pki::name::onap::parse(text) {
            Ok(name) => Some(Anchors::IssuerDn(name)),
            Err(e) => {
                cx.wrong(
                    &format!("{at}.issuer_dn"),
                    e.to_string(),
                    "a name like `O=Example,CN=CA`, as encoded from left to right",
                );
                None
            }
        },
        (Some(_), Some(_)) => {
            cx.wrong(
                &format!("{at}.issuer_dn"),
                "given beside `anchors`",
                "one of them",
            );
            None
        }
        // A CA of our own brings its roots; whether it is one is seen when all names are known.
        (None, None) => Some(Anchors::Configured(Vec::new())),
    }
}

fn lifetime(key: &str, text: Option<&str>, cx: &mut Context) -> Option<SignedDuration> {
    let span = cx.span(key, text, Duration::from_secs(60)..=LONGEST)?;
    SignedDuration::try_from(span).ok()
}

fn keys(key: &str, raw: Option<&[String]>, cx: &mut Context) -> KeyRules {
    const VALID: &str = "`rsa:2048`, `rsa:2048-8192`, `ec:P-256`, `ec:P-384`, `ec:P-521`, `ed25519`, `ml-dsa-44`, `ml-dsa-65`, `ml-dsa-87`";
    let Some(texts) = raw else {
        return KeyRules::default();
    };
    let mut rules = KeyRules {
        rsa: None,
        kinds: Vec::new(),
    };
    for (i, text) in texts.iter().enumerate() {
        let key = format!("{key}[{i}]");
        if let Some(range) = text.strip_prefix("rsa:").and_then(rsa_sizes) {
            let widened = rules.rsa.take().map_or(range.clone(), |known| {
                *known.start().min(range.start())..=*known.end().max(range.end())
            });
            rules.rsa = Some(widened);
        } else if let Some(kind) = text
            .parse::<KeyKind>()
            .ok()
            .filter(|kind| !matches!(kind, KeyKind::Rsa { .. } | KeyKind::Other))
        {
            rules.kinds.push(kind);
        } else {
            cx.wrong(
                &key,
                format!("`{text}` is no kind of key that can be certified"),
                VALID,
            );
        }
    }
    if texts.is_empty() {
        cx.wrong(key, "the list is empty: nothing could be certified", VALID);
    }
    rules
}

fn rsa_sizes(text: &str) -> Option<std::ops::RangeInclusive<u32>> {
    let (least, most) = text.split_once('-').unwrap_or((text, text));
    let (least, most) = (least.parse().ok()?, most.parse().ok()?);
    (2048 <= least && least <= most && most <= 8192).then_some(least..=most)
}

fn names(at: &str, raw: &RawProfile, cx: &mut Context) -> NameRules {
    let default = NameRules::default();
    let kinds = [
        ("dns", NameKind::Dns),
        ("ip", NameKind::Ip),
        ("email", NameKind::Email),
        ("uri", NameKind::Uri),
        ("directory", NameKind::Directory),
        ("registered-id", NameKind::RegisteredId),
        ("other", NameKind::Other),
        ("x400", NameKind::X400),
        ("edi-party", NameKind::EdiParty),
    ];
    let texts = |patterns: &Option<Vec<String>>| {
        patterns
            .as_ref()
            .map(|patterns| patterns.iter().map(TextPattern::new).collect::<Vec<_>>())
    };
    let dns =
        "a name `a.example.com`, `*.example.com` for one label, `**.example.com` for any depth";
    let ip = "an address `10.0.0.1` or a network `10.0.0.0/8`";
    NameRules {
        kinds: match &raw.sans {
            None => default.kinds,
            Some(words) => {
                let one = |(i, word): (usize, &String)| {
                    cx.word(
                        &format!("{at}.sans[{i}]"),
                        Some(word),
                        &kinds,
                        NameKind::Dns,
                    )
                };
                words.iter().enumerate().map(one).collect()
            }
        },
        dns: cx.parse_all(&format!("{at}.dns"), raw.dns.as_deref(), dns),
        ip: cx.parse_all(&format!("{at}.ip"), raw.ip.as_deref(), ip),
        email: texts(&raw.email),
        uri: texts(&raw.uri),
        subject: texts(&raw.subject),
        most: cx.number(&format!("{at}.max_sans"), raw.max_sans, 100, 0..=1000) as usize,
    }
}

fn usages(at: &str, raw: &RawProfile, cx: &mut Context) -> UsageRules {
    UsageRules {
        key_usage: raw
            .key_usage
            .as_ref()
            .map(|words| key_usages(&format!("{at}.key_usage"), words, cx)),
        ext_key_usage: raw
            .ext_key_usage
            .as_ref()
            .map(|words| ext_key_usages(&format!("{at}.ext_key_usage"), words, cx)),
        cmp_components: raw.cmp_component_usages,
        default_key_usage: raw
            .default_key_usage
            .as_ref()
            .map(|words| key_usages(&format!("{at}.default_key_usage"), words, cx)),
        default_ext_key_usage: raw
            .default_ext_key_usage
            .as_ref()
            .map(|words| ext_key_usages(&format!("{at}.default_ext_key_usage"), words, cx))
            .unwrap_or_default(),
    }
}

pub(crate) fn key_usages(key: &str, words: &[String], cx: &mut Context) -> KeyUsages {
    let mut all = KeyUsages::NONE;
    for (i, word) in words.iter().enumerate() {
        match word.parse() {
            Ok(Usage::Key(usages)) => all = all | usages,
            _ => cx.wrong(
                &format!("{key}[{i}]"),
                format!("`{word}` is no keyUsage"),
                "`digital signature`, `content commitment`, `key encipherment`, `data encipherment`, `key agreement`, `cert sign`, `crl sign`, `encipher only`, `decipher only`",
            ),
        }
    }
    all
}

pub(crate) fn ext_key_usages(
    key: &str,
    words: &[String],
    cx: &mut Context,
) -> Vec<ObjectIdentifier> {
    let mut all = Vec::new();
    for (i, word) in words.iter().enumerate() {
        match word.parse() {
            Ok(Usage::Extended(oid)) => all.push(oid),
            _ => cx.wrong(
                &format!("{key}[{i}]"),
                format!("`{word}` is no extendedKeyUsage"),
                "`server auth`, `client auth`, `code signing`, `email protection`, `timestamping`, `ocsp signing`, or an OID",
            ),
        }
    }
    all
}
