//! `/v2/{ca}/revocations`: asked for by POST, asked after by GET.

use std::sync::Arc;

use api::Problem;
use api::v2::{Revocation, RevokeRequest};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use ra::{Asked as Order, RevokeRequest as Line, Sealed};

use super::body::{self, Form};
use super::call::Call;
use super::json::json;
use super::request::digest;
use super::{Failure, again, render, target};
use crate::App;

/// Revoke a certificate of one's own.
///
/// A certificate is revoked by whoever enrolled it, by whoever authenticates with it, or by a caller that acts as RA. For any other
/// certificate the answer is the same whether it exists or not.
#[utoipa::path(
    post,
    path = "/v2/{ca}/revocations",
    operation_id = "revoke",
    tag = "revocations",
    params(
        ("ca" = String, Path, description = "The CA's label", example = "web"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's own name for this revocation: 1 to 255 visible ASCII characters", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "As for an enrollment", example = "wait=10"),
    ),
    request_body(content = RevokeRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "It is revoked", body = Revocation),
        (status = 202, description = "The CA has not decided", body = Revocation, headers(
            ("Location" = String, description = "Where to ask"),
            ("Retry-After" = u64, description = "When asking may be worth while, in seconds"),
        )),
        (status = 409, description = "`already-revoked`", body = Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused, by us or by the CA", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Failed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    ca: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    let call = Call::admit(&app, ca, &head).await?;
    Form::of(&head.headers, &[Form::Json])?;
    let key = again::key(&head.headers, &call.who)?;
    let hold = again::hold(&head.headers);
    let body = body::read(&head.headers, body).await?;
    let asked: RevokeRequest = json(&body)?;
    let of = target::resolve(&call, &asked.target).await?;
    let reason = asked.reason.code();
    let fingerprint = digest(&[
        b"v2-revoke",
        call.label.as_str().as_bytes(),
        &of.issuer,
        &of.serial,
        &[reason],
    ]);
    let row = (key.id(), fingerprint);
    let request = Line {
        key,
        fingerprint,
        label: call.label.clone(),
        of,
        reason,
        original: None,
        front: Sealed::default(),
        correlation: call.correlation.clone(),
    };
    let work = call
        .drain
        .start(Arc::clone(&call.site.ra).revoke(call.who.clone(), request));
    let outcome = again::outcome(&call, row, work, hold).await?;
    render::revocation(&call.label, outcome)
}

/// Ask after a revocation of one's own.
#[utoipa::path(
    get,
    path = "/v2/{ca}/revocations/{id}",
    operation_id = "revocation",
    tag = "revocations",
    params(
        ("ca" = String, Path, description = "The CA's label", example = "web"),
        ("id" = String, Path, description = "The service's name for the revocation", example = "5f3a90c15f3a90c15f3a90c15f3a90c1"),
    ),
    responses(
        (status = 200, description = "It is revoked", body = Revocation),
        (status = 202, description = "The CA has not decided", body = Revocation, headers(
            ("Retry-After" = u64, description = "When asking may be worth while, in seconds"),
        )),
        (status = "4XX", description = "Refused, by us or by the CA; `not-found` also for what is not the caller's", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Failed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ask_again(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, _) = request.into_parts();
    let (call, id) = Call::admit_entry(&app, path, &head).await?;
    let is_revocation = |order: &Order| matches!(order, Order::Revoke { .. });
    let outcome = again::earlier(&call, id, is_revocation).await?;
    render::revocation(&call.label, outcome)
}
