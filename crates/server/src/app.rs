//! [`App`]: what lives as long as the process, around the [`Site`] that a reload replaces.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use axum::http::request::Parts;
use jiff::Timestamp;
use ra::Requester;
use tokio::sync::{Mutex, watch};

use crate::metrics::Metrics;
use crate::reload::{ReloadError, Reloader};
use crate::{Drain, Peer, Problems, Site, Unauthenticated, cmp};

/// The process: the state of every handler.
pub struct App {
    site: ArcSwap<Site>,
    ready: AtomicBool,
    cmp: cmp::Front,
    metrics: Arc<Metrics>,
    drain: Drain,
    standing: watch::Sender<Standing>,
    /// Held for the length of a reload: one at a time.
    reloader: Mutex<Option<Reloader>>,
}

impl App {
    /// A process that serves `site` and nothing else: tests, the demo.
    #[must_use]
    pub fn new(site: Site, metrics: Arc<Metrics>) -> Arc<Self> {
        Self::with(site, metrics, None)
    }

    /// A process that can be told to read its configuration again.
    #[must_use]
    pub fn reloadable(site: Site, metrics: Arc<Metrics>, reloader: Reloader) -> Arc<Self> {
        Self::with(site, metrics, Some(reloader))
    }

    fn with(site: Site, metrics: Arc<Metrics>, reloader: Option<Reloader>) -> Arc<Self> {
        let ready = AtomicBool::new(site.configured);
        let (standing, _) = watch::channel(Standing {
            problems: Problems::default(),
            since: (site.ra.clock)(),
            labels: site.labels.len(),
        });
        Arc::new(Self {
            standing,
            site: ArcSwap::from_pointee(site),
            ready,
            cmp: cmp::Front::default(),
            metrics,
            drain: Drain::default(),
            reloader: Mutex::new(reloader),
        })
    }

    /// What is served now. A handler asks once and keeps to the answer until it is done.
    pub fn site(&self) -> Arc<Site> {
        self.site.load_full()
    }

    /// Who asks over REST, as `site` knows them. What came of it is counted.
    ///
    /// # Errors
    /// [`Unauthenticated`].
    pub(crate) async fn requester(
        &self,
        site: &Site,
        head: &Parts,
    ) -> Result<Requester, Unauthenticated> {
        let peer = head.extensions.get::<Peer>();
        let peer = peer.and_then(|peer| peer.certificate.as_ref());
        let now = (site.ra.clock)();
        let found = site.callers.identify(&head.headers, peer, now).await;
        if let Err(why) = &found {
            self.metrics.unauthenticated(why);
        }
        found
    }

    /// What the CMP front keeps between messages.
    pub(crate) fn cmp(&self) -> &cmp::Front {
        &self.cmp
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Where the process is between serving and its end.
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// How the configuration stands, and when that changes.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// What was wrong with the configuration when it was last read, one line each; nothing when it is the one that is served.
    pub fn reload_problems(&self) -> Vec<String> {
        let standing = self.standing.borrow();
        standing
            .problems
            .0
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Notes how reading the configuration went.
    pub(crate) fn noted(&self, result: Result<(), &Problems>) {
        let now = Timestamp::now();
        self.metrics.configured(result, now);
        self.standing.send_replace(Standing {
            problems: result.err().cloned().unwrap_or_default(),
            since: now,
            labels: self.site().labels.len(),
        });
    }

    /// Whether the last configuration that someone asked for is the one that is served.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Reads the configuration again, because someone asked for it (`/reload`, SIGHUP). What cannot be used leaves the last good one in
    /// service, and the process not ready, as CertService has it.
    ///
    /// # Errors
    /// [`ReloadError`] with every reason.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        let mut reloader = self.reloader.lock().await;
        let Some(reloader) = reloader.as_mut() else {
            return Ok(());
        };
        tracing::info!("Reloading configuration");
        self.ready.store(false, Ordering::Release);
        self.take(reloader.load(&self.site()).await)
    }

    /// Reads the configuration again if any of its files changed. A file that cannot be used is logged; nobody asked, so the process stays
    /// as ready as it was.
    pub async fn reload_if_changed(&self) {
        let mut reloader = self.reloader.lock().await;
        let Some(reloader) = reloader.as_mut() else {
            return;
        };
        if !reloader.is_due().await {
            return;
        }
        tracing::info!("a file of the configuration changed");
        let result = reloader.load(&self.site()).await;
        let _reported = self.take(result);
    }

    fn take(&self, loaded: Result<Site, ReloadError>) -> Result<(), ReloadError> {
        match loaded {
            Ok(site) => {
                self.site.store(Arc::new(site));
                self.ready.store(true, Ordering::Release);
                self.noted(Ok(()));
                Ok(())
            }
            Err(error) => {
                report(&error.to_string(), error.problems());
                self.noted(Err(error.problems()));
                Err(error)
            }
        }
    }
}

/// How the configuration stands, for whoever looks after the service.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What is wrong with what was read last; the one before it is served then. Empty: nothing.
    pub problems: Problems,
    /// When it was last read.
    pub since: Timestamp,
    /// The labels that are served.
    pub labels: usize,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.0.first() {
            None => write!(f, "serving {} labels", self.labels),
            Some(first) => write!(
                f,
                "serving {} labels of the last good configuration; the one read at {} cannot be used: {first}",
                self.labels, self.since
            ),
        }
    }
}

/// One line for each reason: each can be acted on by itself.
pub(crate) fn report(what: &str, problems: &Problems) {
    tracing::error!("{what}");
    for problem in &problems.0 {
        tracing::error!("{problem}");
    }
}
