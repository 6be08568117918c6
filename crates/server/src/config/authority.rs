//! Authorities: the CAs we can ask.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use authority::cmp::{
    AnswerTrust, CmpConfig, Confirmation, Dialect, Endpoint, FirstRequest, MacForm, MacIdentity,
    Protection, Proxy, Quirks, RaIdentity, SaltLife, SignerRule, Takes, TlsIdentity, TlsRoots,
    TlsSettings, TransportSettings, UnprotectedErrors,
};
use authority::local::{Confirmation as LocalConfirmation, HierarchySettings, LocalSettings};
use jiff::SignedDuration;
use pki::{KeyKind, Name, Signer};
use pkixcmp::PkiFailureInfo;
use pkixcmp::protection::MacSecret;
use ra::AuthorityName;
use secrecy::ExposeSecret;

use super::context::Context;
use super::listen::identity;
use super::profile::{ext_key_usages, key_usages};
use super::raw::{RawAuthority, RawCmp, RawCmpQuirks, RawCmpTrust, RawLocal, RawMac, RawTransport};

/// One CA, ready to be built.
pub enum AuthorityConfig {
    /// It speaks CMP.
    Cmp(Box<CmpConfig>),
    /// It is our own.
    Local(Box<LocalConfig>),
}

/// A CA of our own.
pub struct LocalConfig {
    /// Where its keys and certificates are; made there on first start.
    pub folder: PathBuf,
    /// What is made on first start.
    pub hierarchy: HierarchySettings,
    /// What it puts into certificates.
    pub settings: LocalSettings,
}

const DN: &str = "a name like `O=Example,CN=CA`, as encoded from left to right";

pub(super) fn check(name: &str, raw: &RawAuthority, cx: &mut Context) -> Option<AuthorityConfig> {
    let at = format!("authorities.{name}");
    match (&raw.cmp, &raw.local) {
        (Some(cmp), None) => self::cmp(&format!("{at}.cmp"), name, cmp, cx)
            .map(|cmp| AuthorityConfig::Cmp(Box::new(cmp))),
        (None, Some(local)) => self::local(&format!("{at}.local"), local, cx)
            .map(|local| AuthorityConfig::Local(Box::new(local))),
        (Some(_), Some(_)) => {
            cx.wrong(&at, "both `cmp` and `local`", "one of them");
            None
        }
        (None, None) => {
            cx.wrong(
                &at,
                "neither `cmp` nor `local`",
                "`[authorities.NAME.cmp]` or `[authorities.NAME.local]`",
            );
            None
        }
    }
}

fn cmp(at: &str, name: &str, raw: &RawCmp, cx: &mut Context) -> Option<CmpConfig> {
    let key = |key: &str| format!("{at}.{key}");
    let endpoint = cx
        .required(
            &key("url"),
            raw.url.as_deref(),
            "`https://host/path` or `http://host:port/path`",
        )
        .and_then(|text| result(&key("url"), text.parse::<Endpoint>(), cx));
    let protection = protection(at, raw, cx);
    let trust = trust(&key("trust"), &raw.trust, cx);
    let recipient = raw
        .recipient
        .as_deref()
        .and_then(|text| dn(&key("recipient"), text, cx));
    if matches!(trust, AnswerTrust::IssuerDn) && raw.recipient.is_none() {
        cx.wrong(
            &key("recipient"),
            "missing, and `trust.issuer_dn` holds answers against it",
            DN,
        );
    }
    if matches!(trust, AnswerTrust::MacOnly) && raw.signature.is_some() {
        cx.wrong(
            &key("trust"),
            "missing: answers to signed requests are signed",
            "`anchors`, `pinned` or `issuer_dn`",
        );
    }
    let default = TransportSettings::default();
    let mut config = CmpConfig::rfc9483(AuthorityName::new(name), endpoint?, protection?, trust);
    config.recipient = recipient;
    config.dialect = cx.word(
        &key("dialect"),
        raw.dialect.as_deref(),
        &[("rfc9483", Dialect::Rfc9483), ("onap", Dialect::Onap)],
        Dialect::Rfc9483,
    );
    config.first = cx.word(
        &key("first"),
        raw.first.as_deref(),
        &[
            ("ir", FirstRequest::Initialization),
            ("cr", FirstRequest::Certification),
        ],
        FirstRequest::Initialization,
    );
    let confirmations = [
        ("explicit", Confirmation::Explicit),
        ("implicit", Confirmation::Implicit),
    ];
    config.confirmation = cx.word(
        &key("confirmation"),
        raw.confirmation.as_deref(),
        &confirmations,
        Confirmation::Explicit,
    );
    let takes = Takes::default();
    config.takes = Takes {
        ra_verified: raw.takes.ra_verified.unwrap_or(takes.ra_verified),
        kur_on_behalf: raw.takes.kur_on_behalf.unwrap_or(takes.kur_on_behalf),
        p10cr: raw.takes.p10cr.unwrap_or(takes.p10cr),
        rr: raw.takes.rr.unwrap_or(takes.rr),
    };
    let base = if config.dialect == Dialect::Onap {
        Quirks::onap()
    } else {
        Quirks::default()
    };
    config.quirks = quirks(&key("quirks"), &raw.quirks, base, cx);
    config.transport = transport(&key("transport"), &raw.transport, &default, cx);
    Some(config)
}

fn protection(at: &str, raw: &RawCmp, cx: &mut Context) -> Option<Protection> {
    match (&raw.mac, &raw.signature) {
        (Some(mac), None) => self::mac(&format!("{at}.mac"), mac, cx).map(Protection::Mac),
        (None, Some(signature)) => {
            let entry = identity(&format!("{at}.signature"), signature, cx)?;
            let signer = Arc::new(entry.key) as Arc<dyn Signer>;
            Some(Protection::Signature(RaIdentity {
                signer,
                chain: entry.chain,
            }))
        }
        (Some(_), Some(_)) => {
            cx.wrong(
                &format!("{at}.signature"),
                "given beside `mac`",
                "one of them",
            );
            None
        }
        (None, None) => {
            cx.wrong(
                at,
                "neither `mac` nor `signature`: requests would go out unprotected",
                "one of them",
            );
            None
        }
    }
}

fn mac(at: &str, raw: &RawMac, cx: &mut Context) -> Option<MacIdentity> {
    let key = |key: &str| format!("{at}.{key}");
    let reference = cx.required(
        &key("reference"),
        raw.reference.clone(),
        "what the CA knows the secret by",
    );
    if raw.secret.is_none() {
        cx.wrong(
            &key("secret"),
            "missing",
            "`{ file = \"path\" }` or `{ env = \"NAME\" }`",
        );
    }
    let secret = cx.secret(&key("secret"), raw.secret.as_ref());
    let forms = [
        ("pbm-sha256", MacForm::PBM_SHA256),
        ("pbm-sha1", MacForm::PBM_SHA1),
        ("pbmac1", MacForm::PBMAC1_SHA256),
    ];
    let mut form = cx.word(
        &key("form"),
        raw.form.as_deref(),
        &forms,
        MacForm::PBM_SHA256,
    );
    match &mut form {
        MacForm::Pbm { iterations, .. } | MacForm::Pbmac1 { iterations, .. } => {
            *iterations = cx.number(
                &key("iterations"),
                raw.iterations,
                *iterations,
                100..=100_000,
            );
        }
    }
    let lives = [
        ("per-message", SaltLife::PerMessage),
        ("per-hour", SaltLife::PerHour),
    ];
    let salt = cx.word(
        &key("salt"),
        raw.salt.as_deref(),
        &lives,
        SaltLife::PerMessage,
    );
    Some(MacIdentity {
        reference: reference?.into_bytes().into(),
        secret: MacSecret::new(secret?.expose_secret().as_bytes()),
        form,
        salt,
    })
}

fn trust(at: &str, raw: &RawCmpTrust, cx: &mut Context) -> AnswerTrust {
    let given = [raw.anchors.is_some(), raw.pinned.is_some(), raw.issuer_dn];
    if given.iter().filter(|given| **given).count() > 1 {
        cx.wrong(
            at,
            "more than one of `anchors`, `pinned` and `issuer_dn`",
            "one of them",
        );
    }
    let rules = [
        ("ca-or-cmc-ca", SignerRule::CaOrCmcCa),
        ("any-below-anchors", SignerRule::AnyBelowAnchors),
    ];
    let signer = cx.word(
        &format!("{at}.signer"),
        raw.signer.as_deref(),
        &rules,
        SignerRule::CaOrCmcCa,
    );
    match (&raw.anchors, &raw.pinned) {
        (Some(paths), _) => AnswerTrust::Anchors {
            anchors: cx.certificates(&format!("{at}.anchors"), paths),
            signer,
        },
        (None, Some(paths)) => AnswerTrust::Pinned(cx.certificates(&format!("{at}.pinned"), paths)),
        (None, None) if raw.issuer_dn => AnswerTrust::IssuerDn,
        (None, None) => AnswerTrust::MacOnly,
    }
}

fn quirks(at: &str, raw: &RawCmpQuirks, base: Quirks, cx: &mut Context) -> Quirks {
    let errors = [
        ("ignored", UnprotectedErrors::Ignored),
        ("end-requests", UnprotectedErrors::EndRequests),
        ("end-confirmations", UnprotectedErrors::EndConfirmations),
    ];
    let refuses_repeats_with = raw.refuses_repeats_with.as_ref().map(|names| {
        let mut all = PkiFailureInfo::default();
        for (i, name) in names.iter().enumerate() {
            match PkiFailureInfo::from_name(name) {
                Some(bit) => all |= bit,
                None => cx.wrong(
                    &format!("{at}.refuses_repeats_with[{i}]"),
                    format!("`{name}` is no name of a PKIFailureInfo bit"),
                    "names of RFC 9810 section 5.2.3, as `badRequest` or `duplicateCertReq`",
                ),
            }
        }
        all
    });
    Quirks {
        repeats: raw.repeats.unwrap_or(base.repeats),
        signed_answers_to_mac: raw
            .signed_answers_to_mac
            .unwrap_or(base.signed_answers_to_mac),
        mac_answers_to_signature: raw
            .mac_answers_to_signature
            .unwrap_or(base.mac_answers_to_signature),
        unprotected_errors: cx.word(
            &format!("{at}.unprotected_errors"),
            raw.unprotected_errors.as_deref(),
            &errors,
            base.unprotected_errors,
        ),
        bare_errors: raw.bare_errors.unwrap_or(base.bare_errors),
        version_1_errors: raw.version_1_errors.unwrap_or(base.version_1_errors),
        p10cr_id_zero: raw.p10cr_id_zero.unwrap_or(base.p10cr_id_zero),
        unordered_sender: raw.unordered_sender.unwrap_or(base.unordered_sender),
        any_media_type: raw.any_media_type.unwrap_or(base.any_media_type),
        sha1_answers: raw.sha1_answers.unwrap_or(base.sha1_answers),
        refuses_repeats_with: refuses_repeats_with.unwrap_or(base.refuses_repeats_with),
    }
}

fn transport(
    at: &str,
    raw: &RawTransport,
    default: &TransportSettings,
    cx: &mut Context,
) -> TransportSettings {
    let key = |key: &str| format!("{at}.{key}");
    let bounds = || Duration::from_millis(100)..=Duration::from_secs(600);
    let proxy = match raw.proxy.as_deref() {
        None | Some("direct") => Proxy::Direct,
        Some("environment") => Proxy::Environment,
        Some(text) => cx
            .parse::<url::Url>(
                &key("proxy"),
                text,
                "`direct`, `environment`, or a URL as `socks5h://host:1080`",
            )
            .map_or(Proxy::Direct, Proxy::Through),
    };
    let most = u32::try_from(default.max_response).unwrap_or(u32::MAX);
    TransportSettings {
        connect: cx
            .span(
                &key("connect_timeout"),
                raw.connect_timeout.as_deref(),
                bounds(),
            )
            .unwrap_or(default.connect),
        total: cx
            .span(
                &key("total_timeout"),
                raw.total_timeout.as_deref(),
                bounds(),
            )
            .unwrap_or(default.total),
        max_response: cx.number(
            &key("max_response_bytes"),
            raw.max_response_bytes,
            most,
            4096..=most.max(64 << 20),
        ) as usize,
        proxy,
        tls: TlsSettings {
            roots: match &raw.tls_roots {
                Some(paths) => TlsRoots::Only(cx.certificates(&key("tls_roots"), paths)),
                None => TlsRoots::System,
            },
            identity: raw
                .tls_identity
                .as_ref()
                .and_then(|raw| identity(&key("tls_identity"), raw, cx))
                .map(|entry| TlsIdentity {
                    chain: entry.chain,
                    key: Arc::new(entry.key),
                }),
        },
    }
}

fn local(at: &str, raw: &RawLocal, cx: &mut Context) -> Option<LocalConfig> {
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
        ("implicit", LocalConfirmation::Implicit),
        ("explicit", LocalConfirmation::Explicit),
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
    let kind = |cx: &mut Context, name: &str, text: &Option<String>, default: KeyKind| {
        let text = text.as_deref()?;
        cx.parse(
            &key(name),
            text,
            "`ec:P-256`, `ec:P-384`, `rsa:3072`, `rsa:4096`, `ed25519`",
        )
        .or(Some(default))
    };
    hierarchy.root_key =
        kind(cx, "root_key", &raw.root_key, hierarchy.root_key).unwrap_or(hierarchy.root_key);
    hierarchy.issuing_key = kind(cx, "issuing_key", &raw.issuing_key, hierarchy.issuing_key)
        .unwrap_or(hierarchy.issuing_key);
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

fn dn(key: &str, text: &str, cx: &mut Context) -> Option<Name> {
    match pki::name::onap::parse(text) {
        Ok(name) => Some(name),
        Err(e) => {
            cx.wrong(key, e.to_string(), DN);
            None
        }
    }
}

fn result<T, E: std::fmt::Display>(key: &str, result: Result<T, E>, cx: &mut Context) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(e) => {
            cx.wrong(key, e.to_string(), "");
            None
        }
    }
}
