//! `/v2/{ca}/health`: whether the CA can be asked, for whoever has to say so to others.

use std::sync::Arc;

use api::{Problem, ProblemSlug, v2};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use ra::Health;

use super::Failure;
use super::call::Call;
use crate::App;

/// When a CA that is down may be asked after again, in seconds.
const LATER: u64 = 10;

/// Whether this CA can be asked right now.
///
/// By what is known of it: nothing is enrolled, and a CA that nobody asked yet counts as up.
#[utoipa::path(
    get,
    path = "/v2/{ca}/health",
    operation_id = "health",
    tag = "health",
    params(("ca" = String, Path, description = "The CA's label", example = "web")),
    responses(
        (status = 200, description = "It can be asked", body = v2::Health),
        (status = 503, description = "It cannot, and why", body = Problem, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Failed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    ca: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<v2::Health>, Failure> {
    let (head, _) = request.into_parts();
    let call = Call::admit(&app, ca, &head).await?;
    let health = call.site.ra.health(&call.who, &call.label).await?;
    match health.map_err(|refusal| Failure::refused(&refusal))? {
        Health::Up => Ok(Json(v2::Health::Up)),
        Health::Down(why) => Err(Failure::new(ProblemSlug::Unavailable, why).retry_after(LATER)),
    }
}
