//! What every call needs first: a CA of that name and someone who is known. Nothing of the body is read before.

use std::sync::Arc;

use api::ProblemSlug;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use ra::{Correlation, EntryId, Label, Requester};

use super::Failure;
use crate::{App, Drain, Peer, Site, Unauthenticated};

/// Names longer than this are not repeated in an answer.
const LONGEST_NAME: usize = 100;

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
    pub(super) fn admit(
        app: &App,
        ca: Result<Path<String>, PathRejection>,
        head: &Parts,
    ) -> Result<Self, Failure> {
        let Path(ca) = ca.map_err(|_| unreadable_path())?;
        Self::of(app, &ca, head)
    }

    /// A call of one enrollment or revocation.
    ///
    /// # Errors
    /// As [`Call::admit`]; 404 also when the name is not one of ours.
    pub(super) fn admit_entry(
        app: &App,
        path: Result<Path<(String, String)>, PathRejection>,
        head: &Parts,
    ) -> Result<(Self, EntryId), Failure> {
        let Path((ca, id)) = path.map_err(|_| unreadable_path())?;
        let call = Self::of(app, &ca, head)?;
        let id = EntryId::parse(&id).ok_or_else(Failure::not_found)?;
        Ok((call, id))
    }

    fn of(app: &App, ca: &str, head: &Parts) -> Result<Self, Failure> {
        let site = app.site();
        if !site.configured {
            let detail = "the service has no configuration that can be used; see its log";
            return Err(Failure::new(ProblemSlug::Unavailable, detail).retry_after(10));
        }
        let peer = head
            .extensions
            .get::<Peer>()
            .and_then(|peer| peer.certificate.as_ref());
        let who = site
            .callers
            .identify(&head.headers, peer)
            .map_err(unauthenticated)?;
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
fn unauthenticated(why: Unauthenticated) -> Failure {
    let challenge = match why {
        Unauthenticated::Nothing => "Bearer realm=\"certway\"",
        Unauthenticated::UnknownToken => "Bearer realm=\"certway\", error=\"invalid_token\"",
    };
    Failure::new(
        ProblemSlug::Unauthenticated,
        format!("{why}; use a client certificate of a trusted CA or `Authorization: Bearer …`"),
    )
    .field(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    )
}
