//! How many requests are worked on at a time: in all, and of those for one CA. A CA that takes its time cannot fill the house with its clients.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::ProblemSlug;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use ra::{AuthorityName, Label};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{App, Site, cmp, v1, v2};

/// The seats of one listener.
pub(crate) struct Seats {
    app: Arc<App>,
    all: Arc<Semaphore>,
    /// For one CA where there are several.
    share: usize,
    /// Only CAs of a configuration are in it.
    of: Mutex<HashMap<AuthorityName, Arc<Semaphore>>>,
}

impl Seats {
    pub(crate) fn new(app: Arc<App>, most: usize) -> Arc<Self> {
        Arc::new(Self {
            app,
            all: Arc::new(Semaphore::new(most)),
            share: most / 2,
            of: Mutex::default(),
        })
    }

    /// A seat among all, and one of the CA's share; `None` when there is none.
    fn take(&self, path: &str) -> Option<[Option<OwnedSemaphorePermit>; 2]> {
        let of_ca = match authority(&self.app.site(), path) {
            Some(name) => Some(self.share_of(name).try_acquire_owned().ok()?),
            None => None,
        };
        let one = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some([Some(one), of_ca])
    }

    fn share_of(&self, name: AuthorityName) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let share = of
            .entry(name)
            .or_insert_with(|| Arc::new(Semaphore::new(self.share)));
        Arc::clone(share)
    }
}

/// One request more than are worked on at a time is turned away at once and unread, so that the others end in time.
pub(crate) async fn seated(
    State(seats): State<Arc<Seats>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let Some(_seats) = seats.take(path) else {
        if v2::owns(path) {
            let detail = "more requests came than are worked on at a time";
            return v2::Failure::new(ProblemSlug::Overloaded, detail)
                .retry_after(1)
                .into_response();
        }
        // To CMP clients too: a PKIMessage that nobody can believe would end their transaction, the status makes them come again.
        let message = "Too many requests at a time";
        return v1::Failure::framework(StatusCode::SERVICE_UNAVAILABLE, message)
            .retry_after(SignedDuration::from_secs(1))
            .response(path);
    };
    next.run(request).await
}

/// The CA that a path leads to, where there is another one whose clients it could be in the way of.
fn authority(site: &Site, path: &str) -> Option<AuthorityName> {
    if site.ra.authorities.len() < 2 {
        return None;
    }
    let label = label(site, path)?;
    let profile = &site.ra.labels.get(&label)?.default_profile;
    Some(site.ra.profiles.get(profile)?.authority.clone())
}

fn label(site: &Site, path: &str) -> Option<Label> {
    let mut segments = path.split('/').skip(1);
    let named = match segments.next()? {
        "v1" => segments.nth(1)?,
        "v2" => segments.next()?,
        "pkix" => segments.next().unwrap_or_default(),
        ".well-known" if segments.nth(1) == Some("p") => segments.next()?,
        ".well-known" => "",
        _ => return None,
    };
    match named {
        "" => site.default_cmp_label().cloned(),
        text => cmp::decoded(text).map(Label::new),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ra::memory::MemoryCa;
    use ra::{Authority, AuthorityName, Label};

    use super::*;
    use crate::testing::Bench;

    /// A second CA, so that shares count, and four seats.
    async fn seats() -> Arc<Seats> {
        let other = MemoryCa::new(jiff::Timestamp::now()).await.unwrap();
        let bench = Bench::with(|site| {
            let ra = Arc::get_mut(&mut site.ra).unwrap();
            let other: Arc<dyn Authority> = Arc::new(other);
            ra.authorities.insert(AuthorityName::new("other"), other);
            let name = ra::ProfileName::new("other");
            let mut profile = ra.profiles.values().next().unwrap().clone();
            (profile.name, profile.authority) = (name.clone(), AuthorityName::new("other"));
            ra.profiles.insert(name.clone(), profile);
            let mut rules = ra.labels.values().next().unwrap().clone();
            rules.default_profile = name;
            ra.labels.insert(Label::new("O T"), rules);
        });
        Seats::new(bench.await.app, 4)
    }

    #[tokio::test]
    async fn the_clients_of_one_ca_take_their_share_and_leave_the_rest_to_the_others() {
        let seats = seats().await;
        let taken = [
            seats.take("/v1/certificate/RA").unwrap(),
            seats.take("/v2/RA/certificates").unwrap(),
        ];
        for path in [
            "/v1/certificate/RA",
            "/v2/RA/trust",
            "/.well-known/cmp/p/RA",
            "/pkix/RA",
        ] {
            assert!(seats.take(path).is_none(), "{path}");
        }
        let others = [
            seats.take("/v2/O%20T/certificates").unwrap(),
            seats.take("/v1/certificate-update/O%20T").unwrap(),
        ];
        assert!(seats.take("/ready").is_none(), "no seat is left at all");
        drop(taken);
        assert!(seats.take("/ready").is_some());
        assert!(seats.take("/v2/RA/trust").is_some());
        assert!(seats.take("/v2/O%20T/trust").is_none());
        drop(others);
    }

    #[tokio::test]
    async fn labels_that_nobody_configured_are_not_remembered() {
        let seats = seats().await;
        for number in 0..100 {
            assert!(seats.take(&format!("/v2/{number}/certificates")).is_some());
        }
        assert!(seats.of.lock().unwrap().is_empty());
    }
}
