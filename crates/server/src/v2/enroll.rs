//! `/v2/{ca}/certificates`: asked for by POST, asked after by GET.

use std::sync::Arc;

use api::v2::{EnrollRequest, Enrollment};
use api::{Problem, ProblemSlug, media};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ra::{Asked as Order, Outcome};

use super::body::{self, Form};
use super::call::Call;
use super::openapi::Binary;
use super::render::{self, FORMS, Shape};
use super::request::Asked;
use super::{Failure, accept, again};
use crate::{App, held};

/// Ask for a certificate, the first one or the successor of one.
///
/// The private key stays with the caller: the CSR's signature shows that it has it. A successor names the certificate it replaces; that the
/// caller holds the old key is shown by mTLS with the old certificate, or by a signature of the old key over the new CSR.
///
/// The same `Idempotency-Key` with the same request gets the same answer, whatever became of the first call. While the CA makes us wait, the
/// call is held for a while (`Prefer: wait=…`) and then answered with 202 and the address to ask again.
#[utoipa::path(
    post,
    path = "/v2/{ca}/certificates",
    operation_id = "enroll",
    tag = "certificates",
    params(
        ("ca" = String, Path, description = "The CA's label", example = "web"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's own name for this enrollment: 1 to 255 visible ASCII characters. Without one, each call asks for one more certificate", min_length = 1, max_length = 255),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: hold the call for at most N seconds (30 at most, 10 when absent); `respond-async`: do not hold it", example = "wait=10"),
    ),
    request_body(
        description = "JSON, or the bare CSR as DER or PEM text",
        content(
            (EnrollRequest = "application/json"),
            (Binary = "application/pkcs10"),
            (String = "application/x-pem-file"),
        )
    ),
    responses(
        (status = 201, description = "The certificate; a repeated call gets the same answer", content(
            (Enrollment = "application/json"), (String = "application/pem-certificate-chain"),
        ), headers(
            ("Location" = String, description = "Where to ask for it again"),
        )),
        (status = 202, description = "The CA has not decided", body = Enrollment, headers(
            ("Location" = String, description = "Where to ask"),
            ("Retry-After" = u64, description = "When asking may be worth while, in seconds"),
        )),
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
    let form = Form::of(&head.headers, &[Form::Json, Form::Pkcs10, Form::Pem])?;
    let shape = shape(&head.headers)?;
    let key = again::key(&head.headers, &call.who)?;
    let hold = again::hold(&head.headers);
    let body = body::read(&head.headers, body).await?;
    let asked = Asked::read(form, body, &call.label)?;
    let row = (key.id(), asked.fingerprint());
    let ra = Arc::clone(&call.site.ra);
    let request = asked.into_request(
        key,
        call.label.clone(),
        (ra.clock)(),
        call.correlation.clone(),
    )?;
    let work = call.drain.start(ra.enroll(call.who.clone(), request));
    let outcome = again::outcome(&call, row, work, hold).await?;
    let trouble = trouble(&call, &outcome).await;
    render::enrollment(&call.label, outcome, trouble, shape, StatusCode::CREATED)
}

/// Ask after an enrollment of one's own.
#[utoipa::path(
    get,
    path = "/v2/{ca}/certificates/{id}",
    operation_id = "enrollment",
    tag = "certificates",
    params(
        ("ca" = String, Path, description = "The CA's label", example = "web"),
        ("id" = String, Path, description = "The service's name for the enrollment", example = "5f3a90c15f3a90c15f3a90c15f3a90c1"),
    ),
    responses(
        (status = 200, description = "The certificate", content(
            (Enrollment = "application/json"), (String = "application/pem-certificate-chain"),
        )),
        (status = 202, description = "The CA has not decided", body = Enrollment, headers(
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
    let shape = shape(&head.headers)?;
    let is_enrollment = |order: &Order| matches!(order, Order::Enroll(_));
    let outcome = again::earlier(&call, id, is_enrollment).await?;
    let trouble = trouble(&call, &outcome).await;
    render::enrollment(&call.label, outcome, trouble, shape, StatusCode::OK)
}

async fn trouble(call: &Call, outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Waiting { entry, .. } => held::trouble(&call.site.ra, &entry.authority).await,
        _ => None,
    }
}

fn shape(fields: &HeaderMap) -> Result<Shape, Failure> {
    match accept::choose(fields, &FORMS) {
        Some(0) => Ok(Shape::Json),
        Some(_) => Ok(Shape::PemChain),
        None => Err(Failure::new(
            ProblemSlug::NotAcceptable,
            format!("Accept: there are {} and {}", media::JSON, media::PEM_CHAIN),
        )),
    }
}
