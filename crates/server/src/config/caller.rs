//! REST callers that are known by name.

use ra::TextPattern;

use super::context::Context;
use super::raw::{RawCaller, RawJwt, RawServiceAccount};
use crate::callers::{Caller, TokenSubject};

const ISSUER: &str = "the name of one of `token_issuers`";

pub(super) fn check(name: &str, raw: &RawCaller, cx: &mut Context) -> Caller {
    let at = format!("callers.{name}");
    let none = |list: &Option<Vec<String>>| list.as_ref().is_none_or(Vec::is_empty);
    let signed = raw.service_account.is_some() || raw.jwt.is_some();
    if none(&raw.token_sha256) && none(&raw.certificates) && !signed {
        cx.wrong(
            &at,
            "has nothing to be known by",
            "`token_sha256`, `certificates`, `service_account`, `jwt` or several of them",
        );
    }
    let account = raw.service_account.as_ref();
    let account = account.and_then(|raw| service_account(&at, raw, cx));
    let other = raw.jwt.as_ref().and_then(|raw| jwt(&at, raw, cx));
    Caller {
        name: name.to_owned(),
        tokens: tokens(&at, raw, cx),
        certificates: raw
            .certificates
            .iter()
            .flatten()
            .map(TextPattern::new)
            .collect(),
        subjects: account.into_iter().chain(other).collect(),
        acts_as_ra: raw.acts_as_ra,
    }
}

fn tokens(at: &str, raw: &RawCaller, cx: &mut Context) -> Vec<[u8; 32]> {
    let mut tokens = Vec::new();
    for (i, text) in raw.token_sha256.iter().flatten().enumerate() {
        let mut digest = [0; 32];
        match hex::decode_to_slice(text, &mut digest) {
            Ok(()) => tokens.push(digest),
            // A token pasted here by mistake is not shown.
            Err(_) => cx.wrong(
                &format!("{at}.token_sha256[{i}]"),
                "not a SHA-256 digest",
                "64 hexadecimal digits: `printf %s \"$TOKEN\" | sha256sum`",
            ),
        }
    }
    tokens
}

/// The subject that Kubernetes gives a ServiceAccount's token.
fn service_account(at: &str, raw: &RawServiceAccount, cx: &mut Context) -> Option<TokenSubject> {
    let key = |key: &str| format!("{at}.service_account.{key}");
    let issuer = cx.required(&key("issuer"), raw.issuer.clone(), ISSUER);
    let namespace = kubernetes_name(&key("namespace"), raw.namespace.as_deref(), cx);
    let name = kubernetes_name(&key("name"), raw.name.as_deref(), cx);
    Some(TokenSubject {
        issuer: issuer?,
        subject: format!("system:serviceaccount:{}:{}", namespace?, name?),
    })
}

/// Names that Kubernetes would take: no colon of theirs can make one subject look like another.
fn kubernetes_name<'a>(at: &str, name: Option<&'a str>, cx: &mut Context) -> Option<&'a str> {
    let valid = "a name of Kubernetes: lower-case letters, digits, `-` and `.`";
    let name = cx.required(at, name, valid)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if name.is_empty() || name.len() > 253 || !name.chars().all(fits) {
        cx.wrong(at, format!("`{name}` is not valid"), valid);
        return None;
    }
    Some(name)
}

fn jwt(at: &str, raw: &RawJwt, cx: &mut Context) -> Option<TokenSubject> {
    let subject = raw.subject.clone().filter(|subject| !subject.is_empty());
    let issuer = cx.required(&format!("{at}.jwt.issuer"), raw.issuer.clone(), ISSUER);
    let valid = "the `sub` of its tokens, to the letter";
    let subject = cx.required(&format!("{at}.jwt.subject"), subject, valid);
    Some(TokenSubject {
        issuer: issuer?,
        subject: subject?,
    })
}
