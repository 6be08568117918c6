//! How many requests are worked on at a time: in all, and of those for one CA. A CA that takes its time cannot fill the house with its clients.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::ProblemSlug;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use ra::{AuthorityName, Label};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{App, Site, cmp, v1, v2};

/// The seats of one listener.
pub(crate) struct Seats {
    app: Arc<App>,
    room: Arc<Room>,
}

/// The seats themselves, for whoever counts them.
pub(crate) struct Room {
    most: usize,
    all: Arc<Semaphore>,
    /// For one CA where there are several.
    share: usize,
    /// Only CAs of a configuration are in it.
    of: Mutex<HashMap<AuthorityName, Arc<Semaphore>>>,
}

/// How many seats there are and how many of them are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) of: usize,
    pub(crate) taken: usize,
}

impl Taken {
    fn now(of: usize, seats: &Semaphore) -> Self {
        let taken = of.saturating_sub(seats.available_permits());
        Self { of, taken }
    }
}

impl Seats {
    /// `listener` is its name in the metrics.
    pub(crate) fn new(app: Arc<App>, listener: &'static str, most: usize) -> Arc<Self> {
        let room = Arc::new(Room {
            most,
            all: Arc::new(Semaphore::new(most)),
            share: most / 2,
            of: Mutex::default(),
        });
        app.metrics().seats_of(listener, Arc::clone(&room));
        Arc::new(Self { app, room })
    }

    /// A seat among all, and one of the CA's share; `None` when there is none.
    fn take(&self, path: &str) -> Option<[Option<OwnedSemaphorePermit>; 2]> {
        let of_ca = match authority(&self.app.site(), path) {
            Some(name) => Some(self.room.share_of(name).try_acquire_owned().ok()?),
            None => None,
        };
        let one = Arc::clone(&self.room.all).try_acquire_owned().ok()?;
        Some([Some(one), of_ca])
    }
}

impl Room {
    pub(crate) fn taken(&self) -> Taken {
        Taken::now(self.most, &self.all)
    }

    /// Of the share of each CA that somebody wanted a seat for.
    pub(crate) fn taken_of_shares(&self) -> Vec<(AuthorityName, Taken)> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = |(name, seats): (&AuthorityName, &Arc<Semaphore>)| {
            (name.clone(), Taken::now(self.share, seats))
        };
        of.iter().map(taken).collect()
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
pub(crate) async fn seated<F>(
    seats: &Seats,
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Response>,
{
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
    next(request).await
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
        Seats::new(bench.await.app, "rest", 4)
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
    async fn how_many_seats_are_taken_is_in_the_metrics_for_each_ca() {
        let seats = seats().await;
        let taken = [
            seats.take("/v2/RA/trust").unwrap(),
            seats.take("/ready").unwrap(),
        ];
        let shown = async || {
            let metrics = seats.app.metrics();
            let text = metrics.text(Some(&seats.app.site())).await.unwrap();
            let lines = text
                .lines()
                .filter(|line| line.contains("listener=\"rest\""));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let expected = [
            r#"certway_authority_seats{authority="memory",listener="rest"} 2"#,
            r#"certway_authority_seats_taken{authority="memory",listener="rest"} 1"#,
            r#"certway_seats{listener="rest"} 4"#,
            r#"certway_seats_taken{listener="rest"} 2"#,
        ];
        assert_eq!(shown().await, expected);
        drop(taken);
        let free = shown().await;
        assert!(
            free[1].ends_with(" 0") && free[3].ends_with(" 0"),
            "{free:?}"
        );
    }

    #[tokio::test]
    async fn labels_that_nobody_configured_are_not_remembered() {
        let seats = seats().await;
        for number in 0..100 {
            assert!(seats.take(&format!("/v2/{number}/certificates")).is_some());
        }
        assert!(seats.room.of.lock().unwrap().is_empty());
    }
}
