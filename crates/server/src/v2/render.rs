//! Outcomes as answers.

use api::v2::{Change, Enrollment, Issued, RequestKind, Revocation, RevocationStatus, Waiting};
use api::{media, paths};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pki::Certificate;
use ra::{Entry, Label, Outcome, SentAs};

use super::Failure;
use crate::problem;

/// The forms a certificate can be had in, the one without a wish first.
pub(super) const FORMS: [&str; 2] = [media::JSON, media::PEM_CHAIN];

/// The form of an answer with a certificate in it. Waiting and problems are JSON whatever is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// [`Enrollment`].
    Json,
    /// Leaf and issuers, one PEM block each, without the root.
    PemChain,
}

/// What came of an enrollment, and what keeps the CA from answering if it has not. `done` is the status of one with a certificate: 201 to who asked for it, 200 to who asks after it.
///
/// # Errors
/// The refusal.
pub(super) fn enrollment(
    label: &Label,
    outcome: Outcome,
    trouble: Option<String>,
    shape: Shape,
    done: StatusCode,
) -> Result<Response, Failure> {
    match outcome {
        Outcome::Issued(issued) => {
            let location = paths::enrollment(label.as_str(), &issued.entry.id.to_string());
            let body = match shape {
                Shape::Json => {
                    Json(Enrollment::Issued(Box::new(certificate(&issued)))).into_response()
                }
                Shape::PemChain => {
                    let text: String = issued.chain.iter().map(Certificate::to_pem).collect();
                    ([(header::CONTENT_TYPE, media::PEM_CHAIN)], text).into_response()
                }
            };
            Ok(private((done, located(&location), body).into_response()))
        }
        Outcome::Waiting { entry, check_after } => {
            let location = paths::enrollment(label.as_str(), &entry.id.to_string());
            let seconds = problem::seconds(check_after);
            let body = Json(Enrollment::Waiting(Waiting {
                id: entry.id.to_string(),
                check_after: seconds,
                trouble,
            }));
            Ok(waiting(&location, seconds, body))
        }
        Outcome::Revoked(_) => Err(Failure::not_found()),
        Outcome::Refused { refusal, entry } => {
            let path = |entry: Box<Entry>| paths::enrollment(label.as_str(), &entry.id.to_string());
            Err(Failure::refused(&refusal).about(entry.map(path)))
        }
    }
}

/// What came of a revocation.
///
/// # Errors
/// The refusal.
pub(super) fn revocation(label: &Label, outcome: Outcome) -> Result<Response, Failure> {
    match outcome {
        Outcome::Revoked(entry) => {
            let body = Json(Revocation {
                id: entry.id.to_string(),
                status: RevocationStatus::Revoked,
                check_after: None,
            });
            Ok(private(body.into_response()))
        }
        Outcome::Waiting { entry, check_after } => {
            let location = paths::revocation(label.as_str(), &entry.id.to_string());
            let seconds = problem::seconds(check_after);
            let body = Json(Revocation {
                id: entry.id.to_string(),
                status: RevocationStatus::Waiting,
                check_after: Some(seconds),
            });
            Ok(waiting(&location, seconds, body))
        }
        Outcome::Issued(_) => Err(Failure::not_found()),
        Outcome::Refused { refusal, entry } => {
            let path = |entry: Box<Entry>| paths::revocation(label.as_str(), &entry.id.to_string());
            Err(Failure::refused(&refusal).about(entry.map(path)))
        }
    }
}

fn certificate(issued: &ra::Issued) -> Issued {
    let blocks = |list: &[Certificate]| list.iter().map(Certificate::to_pem).collect();
    let (leaf, above) = match issued.chain.split_first() {
        Some((leaf, above)) => (Some(leaf), above),
        None => (None, &[][..]),
    };
    Issued {
        id: issued.entry.id.to_string(),
        certificate: leaf.map(Certificate::to_pem).unwrap_or_default(),
        chain: blocks(above),
        roots: blocks(&issued.anchors),
        not_before: leaf.map(Certificate::not_before).unwrap_or_default(),
        not_after: leaf.map(Certificate::not_after).unwrap_or_default(),
        serial: leaf.map(Certificate::serial_text).unwrap_or_default(),
        kind: kind(issued.sent_as),
        changes: issued.changes.0.iter().map(change).collect(),
    }
}

fn kind(sent_as: SentAs) -> RequestKind {
    match sent_as {
        SentAs::Initialization => RequestKind::Ir,
        SentAs::Certification => RequestKind::Cr,
        SentAs::KeyUpdate => RequestKind::Kur,
        SentAs::Pkcs10 => RequestKind::P10cr,
        SentAs::Local => RequestKind::Local,
    }
}

fn change(change: &ra::Changed) -> Change {
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    Change {
        field: change.field.clone(),
        requested: text(&change.requested),
        issued: text(&change.issued),
    }
}

fn waiting(location: &str, seconds: u64, body: impl IntoResponse) -> Response {
    let after = [(header::RETRY_AFTER, seconds.to_string())];
    private((StatusCode::ACCEPTED, located(location), after, body).into_response())
}

fn located(path: &str) -> [(axum::http::HeaderName, String); 1] {
    [(header::LOCATION, path.to_owned())]
}

/// For the one who asked, and nobody's cache.
pub(super) fn private(mut response: Response) -> Response {
    let fields = response.headers_mut();
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}
