//! `/readyz`: whether requests can be served, and what keeps them from it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pki::pkcs11::{self, Standing, TokenError};
use ra::{Authority, AuthorityName, EndpointHealth, Health, JournalError};
use serde::Serialize;

use super::Admin;
use crate::jwt::{Keys, TokenIssuer};
use crate::metrics::{PATIENCE, healths, trouble};
use crate::{App, Site};

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: String,
    ok: bool,
    /// Whether the process is not ready because of it.
    required: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    why: Vec<String>,
}

/// 200 when requests can be served, 503 when not; every check either way.
pub(super) async fn answer(State(admin): State<Arc<Admin>>) -> Response {
    let checks = match admin.app.get() {
        Some(app) => checks(app).await,
        None => vec![required("start", Err("the process is starting".to_owned()))],
    };
    let ready = checks.iter().all(|check| check.ok || !check.required);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Readiness { ready, checks })).into_response()
}

async fn checks(app: &App) -> Vec<Check> {
    let site = app.site();
    let configured = site
        .configured
        .then_some(())
        .ok_or_else(|| "no configuration could be used yet".to_owned());
    let journal = match tokio::time::timeout(PATIENCE, site.ra.journal.under_way()).await {
        Ok(Ok(_)) => site.ra.journal.is_writable(),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(JournalError::Unavailable(
            "it does not answer in time".to_owned(),
        )),
    };
    let mut checks = vec![
        required("configuration", configured),
        required("journal", journal.map_err(|error| error.to_string())),
        // The last good configuration keeps serving: taking this process out of service would help nobody.
        Check {
            name: "reload".to_owned(),
            ok: app.reload_problems().is_empty(),
            required: false,
            why: app.reload_problems(),
        },
    ];
    for (name, health) in healths(&site).await {
        let (ok, why) = match health {
            Health::Up => (true, Vec::new()),
            Health::Down(why) => (false, vec![why]),
        };
        checks.push(Check {
            name: format!("authority {name}"),
            ok,
            required: false,
            why,
        });
    }
    checks.extend(endpoints(&site));
    checks.extend(site.callers.issuers().iter().filter_map(token_issuer));
    checks.extend(pkcs11::standings().into_iter().map(token));
    checks
}

/// Whether a token gave what its keys were last asked for. What needs none of them is served in any case.
fn token(Standing { token, trouble }: Standing) -> Check {
    let why = trouble.map(|trouble| match trouble {
        TokenError::PinRefused => format!(
            "{trouble}: put the right one where `pin` in `[pkcs11]` says, and have the configuration read again (SIGHUP)"
        ),
        TokenError::PinMissing => format!("{trouble}: `pin` in `[pkcs11]` says where it is"),
        _ => trouble.to_string(),
    });
    Check {
        name: format!("token {token}"),
        ok: why.is_none(),
        required: false,
        why: why.into_iter().collect(),
    }
}

/// Whether the keys of an issuer are there, and are the ones it has now. Callers of other kinds are served in any case.
fn token_issuer(issuer: &TokenIssuer) -> Option<Check> {
    let Keys::Remote(keys) = &issuer.keys else {
        return None;
    };
    let trouble = keys.standing().trouble.clone();
    let (ok, why) = match (keys.current(), trouble) {
        (Some(_), None) => (true, None),
        (Some((_, at)), Some(why)) => (false, Some(format!("{why}; the keys of {at:.0} count"))),
        (None, why) => {
            let why = why.unwrap_or_else(|| "its keys are being asked for".to_owned());
            (false, Some(format!("{why}; its tokens are not taken")))
        }
    };
    Some(Check {
        name: format!("token issuer {}", issuer.name),
        ok,
        required: false,
        why: why.into_iter().collect(),
    })
}

/// Each endpoint of each CA that is reached over a network: why one is left alone shows here also while another serves.
fn endpoints(site: &Site) -> Vec<Check> {
    let mut all: Vec<_> = site.ra.authorities.iter().collect();
    all.sort_by_key(|(name, _)| *name);
    let check = |(name, health): (&AuthorityName, EndpointHealth)| {
        let why = trouble(&health);
        Check {
            name: format!("authority {name}, endpoint {}", health.endpoint),
            ok: why.is_none(),
            required: false,
            why: why.into_iter().collect(),
        }
    };
    let of = |(name, authority): (_, &Arc<dyn Authority>)| {
        let endpoints = authority.endpoints().into_iter();
        endpoints
            .map(move |health| (name, health))
            .collect::<Vec<_>>()
    };
    all.into_iter().flat_map(of).map(check).collect()
}

fn required(name: &str, result: Result<(), String>) -> Check {
    Check {
        name: name.to_owned(),
        ok: result.is_ok(),
        required: true,
        why: result.err().into_iter().collect(),
    }
}
