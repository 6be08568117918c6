//! Keys that a server publishes: kept, refreshed in the background, and once more when a token names one that is not among them.
//!
//! One task asks, one question at a time; requests look at what it last learnt. So whatever tokens are sent here, the server is not asked more
//! often than [`REST`] allows.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;
use pki::Certificate;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::fetch::{FetchError, Fetcher, Place};
use super::keys::KeySet;

/// Between two questions that tokens with unknown keys lead to.
const REST: Duration = Duration::from_secs(10);
/// After the first failure; each further one doubles it, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a request waits for an answer that it asked for.
const PATIENCE: Duration = Duration::from_secs(6);

/// Where an issuer's keys are, and how they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSettings {
    /// Whose keys they are, for the log: the issuer's name in the configuration.
    pub name: String,
    /// Where they are.
    pub place: Place,
    /// By which the server's TLS certificate is trusted; `None`: the system's.
    pub roots: Option<Vec<Certificate>>,
    /// A file with a bearer token for that server.
    pub token_file: Option<PathBuf>,
    /// How often they are asked for.
    pub refresh_every: Duration,
    /// How long they count while none newer can be had.
    pub max_age: Duration,
}

/// The keys of one issuer. They are asked for as long as the value lives.
#[derive(Debug)]
pub struct RemoteKeys {
    settings: RemoteSettings,
    shared: Arc<Shared>,
    _asking: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    standing: watch::Sender<Arc<Standing>>,
    /// Somebody came with a key that is not among them.
    missed: Notify,
}

/// What is known of an issuer's keys.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    held: Option<Held>,
    /// Why the last question had no answer that can be used.
    pub trouble: Option<String>,
    /// Questions that were answered with keys.
    pub fetched: u64,
    /// Questions that were not.
    pub failed: u64,
    /// Until when nobody is asked.
    rest_until: Option<Instant>,
    /// It was said that the last ones are too old.
    said_too_old: bool,
}

#[derive(Clone, Debug)]
struct Held {
    keys: Arc<KeySet>,
    since: Instant,
    at: Timestamp,
}

/// The keys are not there, or too old to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoKeys;

impl RemoteKeys {
    /// Begins to ask. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`FetchError::Client`].
    pub fn begin(settings: RemoteSettings) -> Result<Self, FetchError> {
        let RemoteSettings {
            place,
            roots,
            token_file,
            ..
        } = settings.clone();
        let fetcher = Arc::new(Fetcher::new(place, roots.as_deref(), token_file)?);
        Ok(Self::asking(settings, move || {
            let fetcher = Arc::clone(&fetcher);
            async move { fetcher.fetch().await }
        }))
    }

    fn asking<F, A>(settings: RemoteSettings, fetch: F) -> Self
    where
        F: FnMut() -> A + Send + 'static,
        A: Future<Output = Result<KeySet, FetchError>> + Send + 'static,
    {
        let shared = Arc::new(Shared {
            standing: watch::Sender::default(),
            missed: Notify::new(),
        });
        let asking = keep(settings.clone(), Arc::clone(&shared), fetch);
        Self {
            settings,
            shared,
            _asking: AbortOnDropHandle::new(tokio::spawn(asking)),
        }
    }

    /// Where they are, and how they are kept.
    #[must_use]
    pub fn settings(&self) -> &RemoteSettings {
        &self.settings
    }

    /// What is known of them.
    #[must_use]
    pub fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.shared.standing.borrow())
    }

    /// When those that count were published; `None`: none do.
    #[must_use]
    pub fn current(&self) -> Option<(Arc<KeySet>, Timestamp)> {
        let standing = self.standing();
        let held = standing.usable(&self.settings)?;
        Some((Arc::clone(&held.keys), held.at))
    }

    /// The keys, with one of that name where the issuer has it.
    pub(super) async fn with(&self, id: Option<&str>) -> Result<Arc<KeySet>, NoKeys> {
        let mut news = self.shared.standing.subscribe();
        let known = Arc::clone(&news.borrow_and_update());
        if let Some(held) = known.usable(&self.settings)
            && held.keys.named(id).next().is_some()
        {
            return Ok(Arc::clone(&held.keys));
        }
        self.shared.missed.notify_one();
        let rests = known.rest_until.is_some_and(|until| Instant::now() < until);
        let known = if rests {
            known
        } else {
            timeout(PATIENCE, news.changed())
                .await
                .map_err(|_| NoKeys)?
                .map_err(|_| NoKeys)?;
            Arc::clone(&news.borrow())
        };
        match known.usable(&self.settings) {
            // What is not among the newest keys is not the issuer's.
            Some(held) if known.trouble.is_none() || held.keys.named(id).next().is_some() => {
                Ok(Arc::clone(&held.keys))
            }
            _ => Err(NoKeys),
        }
    }
}

impl Standing {
    fn usable(&self, settings: &RemoteSettings) -> Option<&Held> {
        let held = self.held.as_ref()?;
        (held.since.elapsed() <= settings.max_age).then_some(held)
    }
}

/// Asks, rests, and asks again when it is time or somebody missed a key.
async fn keep<F, A>(settings: RemoteSettings, shared: Arc<Shared>, mut fetch: F)
where
    F: FnMut() -> A,
    A: Future<Output = Result<KeySet, FetchError>>,
{
    let mut failures = 0;
    loop {
        let fetched = fetch().await;
        let now = Instant::now();
        failures = if fetched.is_ok() { 0 } else { failures + 1 };
        let (rest, pause) = pace(failures, settings.refresh_every);
        let before = Arc::clone(&shared.standing.borrow());
        let standing = noted(&settings, &before, fetched, now, now + rest);
        // Whoever missed a key until now is answered by this.
        let _answered = shared.missed.notified().now_or_never();
        shared.standing.send_replace(Arc::new(standing));
        sleep_until(now + rest).await;
        tokio::select! {
            () = sleep_until(now + pause) => {}
            () = shared.missed.notified() => {}
        }
    }
}

/// How long nobody is asked, and after how long somebody is in any case.
fn pace(failures: u32, refresh_every: Duration) -> (Duration, Duration) {
    match failures {
        0 => (REST.min(refresh_every), refresh_every),
        failures => {
            let doubled = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(16));
            let pause = doubled.min(LONGEST_PAUSE);
            (pause, pause)
        }
    }
}

fn noted(
    settings: &RemoteSettings,
    before: &Standing,
    fetched: Result<KeySet, FetchError>,
    now: Instant,
    rest_until: Instant,
) -> Standing {
    let issuer = settings.name.as_str();
    let mut standing = before.clone();
    standing.rest_until = Some(rest_until);
    match fetched {
        Ok(keys) => {
            let same = before
                .held
                .as_ref()
                .is_some_and(|held| held.keys.is_same(&keys));
            if !same || before.trouble.is_some() {
                let count = keys.count();
                tracing::info!(issuer, count, "the keys of a token issuer are here");
            }
            standing.held = Some(Held {
                keys: Arc::new(keys),
                since: now,
                at: Timestamp::now(),
            });
            standing.trouble = None;
            standing.said_too_old = false;
            standing.fetched += 1;
        }
        Err(error) => {
            let error = error.to_string();
            if before.trouble.is_none() {
                tracing::warn!(
                    issuer,
                    error,
                    "the keys of a token issuer cannot be had; the last ones count until they are too old, and it is tried again"
                );
            }
            if before.held.is_some() && before.usable(settings).is_none() && !before.said_too_old {
                tracing::error!(
                    issuer,
                    error,
                    "the last keys of a token issuer are too old to be believed: its tokens are not taken until there are new ones"
                );
                standing.said_too_old = true;
            }
            standing.trouble = Some(error);
            standing.failed += 1;
        }
    }
    standing
}

#[cfg(test)]
mod tests;
