//! What every call needs first: a CA of that name and someone who is known. Nothing of the body is read before.

use std::sync::Arc;

use api::ProblemSlug;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use ra::{Correlation, EntryId, Label, Requester};

use super::Failure;
use crate::{App, Drain, Site, Unauthenticated};

/// Names longer than this are not repeated in an answer.
const LONGEST_NAME: usize = 100;

const USE: &str = "use a client certificate of a trusted CA or `Authorization: Bearer …`";

/// A call whose maker is known.
pub(super) struct Call {
    pub(super) site: Arc<Site>,
    pub(super) drain: Drain,
    pub(super) label: Label,
    pub(super) who: Requester,
    pub(super) correlation: Option<Correlation>,
}

impl Call {
    /// A call of a CA's resource.
    ///
    /// # Errors
    /// 503 before the first configuration, 401 when nobody is known to be asking, 404 when there is no such CA.
    pub(super) async fn admit(
        app: &App,
        ca: Result<Path<String>, PathRejection>,
        head: &Parts,
    ) -> Result<Self, Failure> {
        let Path(ca) = ca.map_err(|_| unreadable_path())?;
        Self::of(app, &ca, head).await
    }

    /// A call of one enrollment or revocation.
    ///
    /// # Errors
    /// As [`Call::admit`]; 404 also when the name is not one of ours.
    pub(super) async fn admit_entry(
        app: &App,
        path: Result<Path<(String, String)>, PathRejection>,
        head: &Parts,
    ) -> Result<(Self, EntryId), Failure> {
        let Path((ca, id)) = path.map_err(|_| unreadable_path())?;
        let call = Self::of(app, &ca, head).await?;
        let id = EntryId::parse(&id).ok_or_else(Failure::not_found)?;
        Ok((call, id))
    }

    async fn of(app: &App, ca: &str, head: &Parts) -> Result<Self, Failure> {
        let site = app.site();
        if !site.configured {
            let detail = "the service has no configuration that can be used; see its log";
            return Err(Failure::new(ProblemSlug::Unavailable, detail).retry_after(10));
        }
        let who = app.requester(&site, head).await;
        let who = who.map_err(|why| unauthenticated(&why))?;
        let label = Label::new(ca);
        if !site.ra.labels.contains_key(&label) {
            let name: String = ca.chars().take(LONGEST_NAME).collect();
            let detail = format!("there is no CA named `{name}` here");
            return Err(Failure::new(ProblemSlug::UnknownCa, detail));
        }
        let correlation = head.extensions.get().cloned();
        Ok(Self {
            site,
            drain: app.drain().clone(),
            label,
            who,
            correlation,
        })
    }
}

fn unreadable_path() -> Failure {
    Failure::bad_request("the path is not percent-encoded UTF-8")
}

/// RFC 6750 section 3: without a token no error code, with a wrong one `invalid_token`.
fn unauthenticated(why: &Unauthenticated) -> Failure {
    let wrong = "Bearer realm=\"certway\", error=\"invalid_token\"";
    let (challenge, detail) = match why {
        Unauthenticated::NoKeys { .. } => {
            return Failure::new(ProblemSlug::Unavailable, why.to_string()).retry_after(10);
        }
        Unauthenticated::Nothing => ("Bearer realm=\"certway\"", format!("{why}; {USE}")),
        Unauthenticated::UnknownToken => (wrong, format!("{why}; {USE}")),
        Unauthenticated::Token(_) => (wrong, why.to_string()),
    };
    Failure::new(ProblemSlug::Unauthenticated, detail).field(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    )
}
