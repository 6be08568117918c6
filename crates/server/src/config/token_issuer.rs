//! Whose signed tokens are taken, and where their keys are.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::context::Context;
use super::raw::{RawTokenIssuer, RawTokenKeys};
use crate::callers::{Caller, TokenSubject};
use crate::jwt::{KeySet, Place, RemoteSettings};

/// Someone whose tokens are taken.
pub struct TokenIssuerConfig {
    /// Its name.
    pub name: String,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// What one of the `aud` of its tokens has to be.
    pub audience: String,
    /// Where its keys are.
    pub keys: TokenKeys,
}

/// Where the keys of a token issuer are.
pub enum TokenKeys {
    /// In a file, which was read.
    File(Arc<KeySet>),
    /// At a server.
    Server(Box<RemoteSettings>),
}

const KEY_SET: &str = "a JWK Set with the public keys of the issuer";
const ADDRESS: &str =
    "an https address without a user, as `https://kubernetes.default.svc/openid/v1/jwks`";

pub(super) fn check(
    raw: &BTreeMap<String, RawTokenIssuer>,
    cx: &mut Context,
) -> Vec<TokenIssuerConfig> {
    let mut found: Vec<TokenIssuerConfig> = Vec::new();
    for (name, raw) in raw {
        let Some(issuer) = one(name, raw, cx) else {
            continue;
        };
        if let Some(same) = found.iter().find(|one| one.issuer == issuer.issuer) {
            cx.wrong(
                &format!("token_issuers.{name}.issuer"),
                format!("the same as of `{}`", same.name),
                "an issuer once: a token says its issuer and nothing else that could tell the two apart",
            );
        }
        found.push(issuer);
    }
    found
}

fn one(name: &str, raw: &RawTokenIssuer, cx: &mut Context) -> Option<TokenIssuerConfig> {
    let key = |key: &str| format!("token_issuers.{name}.{key}");
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let valid = "the `iss` of its tokens, as `https://kubernetes.default.svc.cluster.local`";
    let issuer = cx.required(&key("issuer"), given(&raw.issuer), valid);
    let valid = "one of the `aud` of its tokens, by which it is known that they are for this service, as `certway-ra`";
    let audience = cx.required(&key("audience"), given(&raw.audience), valid);
    let (issuer, audience) = (issuer?, audience?);
    Some(TokenIssuerConfig {
        keys: keys(name, &issuer, &raw.keys, cx)?,
        name: name.to_owned(),
        issuer,
        audience,
    })
}

fn keys(name: &str, issuer: &str, raw: &RawTokenKeys, cx: &mut Context) -> Option<TokenKeys> {
    let at = format!("token_issuers.{name}.keys");
    if let Some(path) = &raw.file {
        if *raw != only_file(path) {
            let valid = "`file` alone, or none of it";
            cx.wrong(&at, "names a file and what only a server needs", valid);
            return None;
        }
        let key = format!("{at}.file");
        return match KeySet::read(&cx.file(&key, path)?) {
            Ok(keys) => Some(TokenKeys::File(Arc::new(keys))),
            Err(error) => {
                cx.wrong(&key, format!("`{path}`: {error}"), KEY_SET);
                None
            }
        };
    }
    let key = |key: &str| format!("{at}.{key}");
    let place = place(name, issuer, raw.url.as_deref(), cx);
    let bounds = Duration::from_secs(10)..=Duration::from_secs(86_400);
    let refresh_every = cx.span(&key("refresh_every"), raw.refresh_every.as_deref(), bounds);
    let refresh_every = refresh_every.unwrap_or(Duration::from_secs(300));
    let bounds = refresh_every..=Duration::from_secs(30 * 86_400);
    let max_age = cx.span(&key("max_age"), raw.max_age.as_deref(), bounds);
    let roots = raw.tls_roots.as_ref();
    let roots = roots.map(|paths| cx.certificates(&key("tls_roots"), paths));
    let token_file = raw.token_file.as_deref();
    Some(TokenKeys::Server(Box::new(RemoteSettings {
        name: name.to_owned(),
        place: place?,
        roots,
        token_file: token_file.map(|path| token_file_at(&key("token_file"), path, cx)),
        refresh_every,
        max_age: max_age.unwrap_or(Duration::from_secs(86_400)),
    })))
}

fn only_file(path: &str) -> RawTokenKeys {
    RawTokenKeys {
        file: Some(path.to_owned()),
        ..RawTokenKeys::default()
    }
}

fn place(name: &str, issuer: &str, url: Option<&str>, cx: &mut Context) -> Option<Place> {
    if let Some(text) = url {
        let at = format!("token_issuers.{name}.keys.url");
        let Some(url) = https(text) else {
            cx.wrong(&at, format!("`{text}` is not valid"), ADDRESS);
            return None;
        };
        return Some(Place::At(url));
    }
    let below = issuer.trim_end_matches('/');
    let Some(description) = https(&format!("{below}/.well-known/openid-configuration")) else {
        cx.wrong(
            &format!("token_issuers.{name}.issuer"),
            format!("`{issuer}` is no https address below which its keys could be found"),
            "such an address, or `keys.url` or `keys.file` beside it",
        );
        return None;
    };
    Some(Place::Discovered {
        issuer: issuer.to_owned(),
        description,
    })
}

/// Keys that come without TLS could be anybody's.
fn https(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    (url.scheme() == "https" && plain).then_some(url)
}

/// The file is not one of those that a change of makes everything be read again: kubelet renews it every few minutes.
fn token_file_at(at: &str, path: &str, cx: &mut Context) -> PathBuf {
    let file = cx.files.resolve(path);
    if let Err(error) = File::open(&file) {
        cx.wrong(
            at,
            format!("the file `{path}` cannot be read: {error}"),
            "the path of a file with a bearer token, as `/var/run/secrets/kubernetes.io/serviceaccount/token`",
        );
    }
    file
}

/// Subjects of issuers that there are not, and that two callers claim; issuers that nobody is known by.
pub(super) fn references(callers: &[Caller], issuers: &[&String], cx: &mut Context) {
    let mut claimed: BTreeMap<&TokenSubject, &str> = BTreeMap::new();
    for caller in callers {
        for subject in &caller.subjects {
            let at = format!("callers.{}", caller.name);
            if !issuers.contains(&&subject.issuer) {
                let names: Vec<_> = issuers.iter().map(|name| format!("`{name}`")).collect();
                let valid = match names.as_slice() {
                    [] => "one of `token_issuers`, of which there is none".to_owned(),
                    names => names.join(", "),
                };
                let wrong = format!("there is no token issuer `{}`", subject.issuer);
                cx.wrong(&at, wrong, valid);
            }
            if let Some(other) = claimed.insert(subject, &caller.name) {
                let wrong = format!("`{}` is the caller `{other}` already", subject.subject);
                cx.wrong(&at, wrong, "a subject at one caller");
            }
        }
    }
    for name in issuers {
        if !claimed.keys().any(|subject| subject.issuer == **name) {
            cx.doubt(
                &format!("token_issuers.{name}"),
                "no caller is known by its tokens, so all of them are refused",
                "`callers.NAME.service_account` or `callers.NAME.jwt` with this issuer",
            );
        }
    }
}
