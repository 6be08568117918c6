//! What of a configuration may be shown: named one by one, so that nothing new is shown unless somebody decides it.

use authority::cmp::{GuardedCmp, Protection};
use pki::pkcs11::TokenSettings;
use serde_json::{Value, json};
use url::Url;

use super::{
    AdminListen, AuthorityConfig, Config, LabelConfig, TokenIssuerConfig, TokenKeys, duration,
};

/// The configuration without its secrets, and without the files that hold them.
pub(crate) fn shown(config: &Config) -> Value {
    let listen = &config.listen;
    let authorities = config.authorities.iter();
    let labels = config.labels.iter();
    json!({
        "listen": {
            "address": listen.address,
            "tls": listen.tls.is_some(),
            "client_certificate_required": listen.tls.as_ref().is_some_and(|tls| tls.client_required),
            "cmp": listen.cmp,
            "max_header_bytes": listen.limits.header,
            "max_body_bytes": listen.limits.body,
            "max_connections": listen.limits.connections,
            "max_requests": listen.limits.requests,
        },
        "admin": match config.admin {
            AdminListen::Off => None,
            AdminListen::Default(address) | AdminListen::At(address) => Some(address),
        },
        "journal": {
            "at": config.journal.database.as_ref().map_or_else(|| "memory".to_owned(), |database| place(&database.to_string())),
            "lease": config.journal.lease,
            "sweep_at_once": config.journal.sweep_at_once,
        },
        "log": { "json": config.log.json, "filter": config.log.filter },
        "pkcs11": config.tokens.iter().map(|(name, t)| (name.clone(), token(t))).collect::<serde_json::Map<_, _>>(),
        "authorities": authorities.map(|(name, a)| (name.to_string(), authority(a))).collect::<serde_json::Map<_, _>>(),
        "profiles": config.profiles.iter().map(|(name, profile)| (name.to_string(), json!({
            "authority": profile.authority.as_str(),
            "anchors": profile.anchors.configured().len(),
        }))).collect::<serde_json::Map<_, _>>(),
        "token_issuers": config.token_issuers.iter().map(|issuer| (issuer.name.clone(), token_issuer(issuer))).collect::<serde_json::Map<_, _>>(),
        "labels": labels.map(|(name, l)| (name.to_string(), label(l))).collect::<serde_json::Map<_, _>>(),
    })
}

/// The module's path is no secret; the PIN and where it stands are.
fn token(settings: &TokenSettings) -> Value {
    json!({
        "module": settings.module,
        "pin": settings.pin.is_some(),
        "sessions": settings.sessions,
        "timeout": duration::show(settings.timeout),
    })
}

fn authority(config: &AuthorityConfig) -> Value {
    match config {
        AuthorityConfig::Cmp(guarded) => cmp(guarded),
        AuthorityConfig::Local(local) => json!({ "kind": "local", "folder": local.folder }),
    }
}

fn cmp(guarded: &GuardedCmp) -> Value {
    let GuardedCmp { cmp, others, guard } = guarded;
    let gate = &guard.gate;
    json!({
        "kind": "cmp",
        // An endpoint has neither user nor password.
        "url": cmp.endpoint.url().as_str(),
        "other_urls": others.iter().map(|other| other.url().as_str()).collect::<Vec<_>>(),
        "endpoints": format!("{:?}", guard.endpoints),
        "limits": {
            "in_flight": gate.limit,
            "queue": gate.queue,
            "queue_wait": duration::show(gate.queue_wait),
            "deadline": duration::show(gate.deadline),
        },
        "breaker": {
            "failures": gate.breaker.failures,
            "rest": duration::show(gate.breaker.rest),
        },
        "health": guard.probe.as_ref().map(|probe| format!("{:?}", probe.by)),
        "recipient": cmp.recipient.as_ref().map(pki::name::onap::display),
        "protection": match &cmp.protection {
            Protection::Mac(_) => "mac",
            Protection::Signature(_) => "signature",
        },
        "dialect": format!("{:?}", cmp.dialect),
        "confirmation": format!("{:?}", cmp.confirmation),
    })
}

fn token_issuer(config: &TokenIssuerConfig) -> Value {
    json!({
        "issuer": config.issuer,
        "audience": config.audience,
        "keys": match &config.keys {
            TokenKeys::File(keys) => json!({ "count": keys.count() }),
            TokenKeys::Server(server) => json!({
                "url": server.place.address().as_str(),
                "refresh_every": duration::show(server.refresh_every),
                "max_age": duration::show(server.max_age),
            }),
        },
    })
}

fn label(config: &LabelConfig) -> Value {
    let mut clients: Vec<_> = config
        .clients
        .iter()
        .map(|client| &client.reference)
        .collect();
    clients.sort();
    json!({
        "profile": config.rules.default_profile.as_str(),
        "profiles": config.rules.profiles.iter().map(ra::ProfileName::as_str).collect::<Vec<_>>(),
        "cmp": config.settings.cmp.is_some(),
        "clients": clients,
    })
}

/// Where a database is, without user, password and parameters; what is no proper URL is shown by its kind alone.
fn place(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) => {
            let host = url.host_str().unwrap_or_default();
            let port = url
                .port()
                .map_or_else(String::new, |port| format!(":{port}"));
            format!("{}://{host}{port}{}", url.scheme(), url.path())
        }
        Err(_) => text.split(':').next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_shown_by_its_place_and_never_with_its_password() {
        assert_eq!(
            place("postgres://ra:p%40ss@db.example:5433/certway?password=x"),
            "postgres://db.example:5433/certway"
        );
        assert_eq!(place("sqlite:///var/j.db?mode=rw"), "sqlite:///var/j.db");
        for text in [
            "postgres://ra:p@ss:w?rd@db.example/certway",
            "postgres://ra:hidden@db/x",
        ] {
            let shown = place(text);
            assert!(
                !shown.contains("ss:w") && !shown.contains("hidden"),
                "{shown}"
            );
        }
    }
}
