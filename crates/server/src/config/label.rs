//! Labels: the names in URLs, what they lead to and how they are offered over CMP.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::SignedDuration;
use pkixcmp::protection::{MacPolicy, Sha1Use};
use pkixcmp::server::{Conformance, HeaderRules};
use ra::{
    CredentialId, Label, LabelRules, Principal, ProfileName, Requester, SharedSecret, TextPattern,
};
use secrecy::ExposeSecret;

use super::context::Context;
use super::profile::requesters;
use super::raw::{RawCmpFront, RawLabel, RawLabelCmp};
use super::token::signing_identity;
use crate::settings::{
    CmpListener, CmpRules, CmpSettings, CmpSigner, LabelSettings, UnauthenticatedErrors,
};

/// One label with everything that hangs on it.
pub struct LabelConfig {
    /// What the line knows of it.
    pub rules: LabelRules,
    /// What the fronts know of it.
    pub settings: LabelSettings,
    /// The CMP clients with a shared secret.
    pub clients: Vec<CmpClient>,
}

/// A CMP client that protects its messages with a MAC.
pub struct CmpClient {
    /// What it sends as senderKID.
    pub reference: String,
    /// Who that makes it.
    pub requester: Requester,
    /// The secret.
    pub secret: SharedSecret,
}

pub(super) fn check(name: &str, raw: &RawLabel, cx: &mut Context) -> Option<LabelConfig> {
    let at = format!("labels.{name}");
    if name.is_empty() || name.chars().count() > 128 || name.contains(['\r', '\n', '\t']) {
        cx.wrong(
            &at,
            "not a name that can stand in a URL",
            "1 to 128 characters without line breaks and tabs",
        );
    }
    let profile = cx.required(
        &format!("{at}.profile"),
        raw.profile.clone(),
        "the name of one of `profiles`",
    )?;
    let mut profiles = raw.profiles.clone().unwrap_or_default();
    if !profiles.contains(&profile) {
        profiles.insert(0, profile.clone());
    }
    let clients = raw
        .cmp
        .as_ref()
        .map(|cmp| clients(&at, name, cmp, cx))
        .unwrap_or_default();
    Some(LabelConfig {
        rules: LabelRules {
            default_profile: ProfileName::new(profile),
            profiles: profiles.into_iter().map(ProfileName::new).collect(),
            requesters: requesters(&format!("{at}.requesters"), raw.requesters.as_deref()),
        },
        settings: LabelSettings {
            cmp: raw.cmp.as_ref().map(|cmp| settings(&at, cmp, cx)),
        },
        clients,
    })
}

fn settings(at: &str, raw: &RawLabelCmp, cx: &mut Context) -> CmpSettings {
    let at = format!("{at}.cmp");
    let default = MacPolicy::default();
    let taken = |word: &str| {
        raw.mac
            .as_ref()
            .is_none_or(|words| words.iter().any(|known| known == word))
    };
    for (i, word) in raw.mac.iter().flatten().enumerate() {
        cx.word(
            &format!("{at}.mac[{i}]"),
            Some(word),
            &[("pbm", ()), ("pbmac1", ())],
            (),
        );
    }
    let sha1 = [
        ("refused", Sha1Use::Refused),
        ("mac-only", Sha1Use::MacOnly),
        ("everywhere", Sha1Use::Everywhere),
    ];
    let most = cx.number(
        &format!("{at}.max_iterations"),
        raw.max_iterations,
        *default.iterations.end(),
        100..=1_000_000,
    );
    let mac = MacPolicy {
        pbm: taken("pbm"),
        pbmac1: taken("pbmac1"),
        sha1: cx.word(
            &format!("{at}.sha1"),
            raw.sha1.as_deref(),
            &sha1,
            Sha1Use::MacOnly,
        ),
        iterations: *default.iterations.start()..=most,
        ..default
    };
    let signer = raw
        .signer
        .as_ref()
        .and_then(|signer| signing_identity(&format!("{at}.signer"), signer, cx));
    CmpSettings {
        mac,
        trusted_clients: cx.certificates(
            &format!("{at}.client_ca"),
            raw.client_ca.as_deref().unwrap_or_default(),
        ),
        acts_as_ra: raw
            .ra_clients
            .iter()
            .flatten()
            .map(TextPattern::new)
            .collect(),
        signer: signer.map(|entry| CmpSigner {
            key: entry.signer,
            chain: entry.chain,
        }),
        grant_implicit_confirm: raw.implicit_confirm.unwrap_or(true),
        rules: rules(&at, raw, cx),
    }
}

fn rules(at: &str, raw: &RawLabelCmp, cx: &mut Context) -> CmpRules {
    let default = CmpRules::default();
    let conformance = [
        ("lenient", Conformance::Lenient),
        ("rfc9483", Conformance::Strict),
    ];
    let time_window = if raw.time_window.as_deref() == Some("any") {
        None
    } else {
        let within = Duration::from_secs(1)..=Duration::from_secs(86_400 * 365);
        let stated = cx.span(
            &format!("{at}.time_window"),
            raw.time_window.as_deref(),
            within,
        );
        let stated = stated.and_then(|span| SignedDuration::try_from(span).ok());
        stated.or(default.header.time_window)
    };
    let protections = [
        ("unprotected", UnauthenticatedErrors::Unprotected),
        ("signed", UnauthenticatedErrors::Signed),
    ];
    CmpRules {
        header: HeaderRules {
            conformance: cx.word(
                &format!("{at}.conformance"),
                raw.conformance.as_deref(),
                &conformance,
                default.header.conformance,
            ),
            time_window,
        },
        mac_revocation: raw.mac_revocation.unwrap_or(default.mac_revocation),
        hold: cx
            .span(
                &format!("{at}.hold"),
                raw.hold.as_deref(),
                Duration::ZERO..=Duration::from_secs(60),
            )
            .unwrap_or(default.hold),
        unauthenticated_errors: cx.word(
            &format!("{at}.unauthenticated_errors"),
            raw.unauthenticated_errors.as_deref(),
            &protections,
            default.unauthenticated_errors,
        ),
    }
}

/// `[cmp]`: what holds whatever the label.
pub(super) fn listener(
    raw: &RawCmpFront,
    labels: &BTreeMap<String, RawLabel>,
    cx: &mut Context,
) -> CmpListener {
    let offered = |name: &String| labels.get(name).is_some_and(|label| label.cmp.is_some());
    if let Some(name) = raw.default_label.as_ref().filter(|name| !offered(name)) {
        let valid: Vec<_> = labels
            .keys()
            .filter(|name| offered(name))
            .map(|name| format!("`{name}`"))
            .collect();
        cx.wrong(
            "cmp.default_label",
            format!("no label `{name}` is offered over CMP"),
            valid.join(", "),
        );
    }
    let default = CmpListener::default();
    let body = u32::try_from(default.body).unwrap_or(u32::MAX);
    let body = cx.number("cmp.max_body", raw.max_body, body, 1024..=1024 * 1024);
    CmpListener {
        default_label: raw.default_label.as_ref().map(Label::new),
        body: usize::try_from(body).unwrap_or(default.body),
    }
}

fn clients(at: &str, label: &str, raw: &RawLabelCmp, cx: &mut Context) -> Vec<CmpClient> {
    let mut found = Vec::new();
    for (reference, client) in &raw.clients {
        let key = format!("{at}.cmp.clients.{reference}.secret");
        if client.secret.is_none() {
            cx.required::<()>(&key, None, "`{ file = \"path\" }` or `{ env = \"NAME\" }`");
        }
        let Some(secret) = cx.secret(&key, client.secret.as_ref()) else {
            continue;
        };
        found.push(CmpClient {
            reference: reference.clone(),
            requester: Requester {
                credential: CredentialId::new(format!("cmp:{label}/{reference}")),
                principals: vec![
                    Principal::new(format!("cmp:{reference}")),
                    Principal::new(format!("cmp:{label}/{reference}")),
                ],
                acts_as_ra: client.acts_as_ra,
                certificate: None,
                via: None,
            },
            secret: SharedSecret::new(secret.expose_secret().as_bytes()),
        });
    }
    found
}

/// Names that refer to something that is not there.
pub(super) fn references(
    labels: &HashMap<Label, LabelConfig>,
    profiles: &HashMap<ProfileName, ra::Profile>,
    known_profiles: &[&String],
    cx: &mut Context,
) {
    let valid = || {
        let names: Vec<_> = known_profiles
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        if names.is_empty() {
            "a profile, of which there is none".to_owned()
        } else {
            names.join(", ")
        }
    };
    let mut sorted: Vec<_> = labels.iter().collect();
    sorted.sort_by_key(|(label, _)| *label);
    for (label, config) in sorted {
        for profile in &config.rules.profiles {
            let named = known_profiles
                .iter()
                .any(|name| name.as_str() == profile.as_str());
            if !named && !profiles.contains_key(profile) {
                let key = if *profile == config.rules.default_profile {
                    "profile"
                } else {
                    "profiles"
                };
                cx.wrong(
                    &format!("labels.{label}.{key}"),
                    format!("there is no profile `{profile}`"),
                    valid(),
                );
            }
        }
    }
}
