//! [`App`]: what lives as long as the process, around the [`Site`] that a reload replaces.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::metrics::Metrics;
use crate::reload::{ReloadError, Reloader};
use crate::{Problems, Site, cmp};

/// The process: the state of every handler.
pub struct App {
    site: ArcSwap<Site>,
    ready: AtomicBool,
    cmp: cmp::Front,
    metrics: Arc<Metrics>,
    /// What was wrong with the configuration when it was last read; empty: it is the one that is served.
    problems: ArcSwap<Problems>,
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
        Arc::new(Self {
            site: ArcSwap::from_pointee(site),
            ready,
            cmp: cmp::Front::default(),
            metrics,
            problems: ArcSwap::default(),
            reloader: Mutex::new(reloader),
        })
    }

    /// What is served now. A handler asks once and keeps to the answer until it is done.
    pub fn site(&self) -> Arc<Site> {
        self.site.load_full()
    }

    /// What the CMP front keeps between messages.
    pub(crate) fn cmp(&self) -> &cmp::Front {
        &self.cmp
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// What was wrong with the configuration when it was last read, one line each; nothing when it is the one that is served.
    pub fn reload_problems(&self) -> Vec<String> {
        self.problems
            .load()
            .0
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Notes how reading the configuration went.
    pub(crate) fn noted(&self, result: Result<(), &Problems>) {
        self.metrics.configured(result, Timestamp::now());
        let problems = result.err().cloned().unwrap_or_default();
        self.problems.store(Arc::new(problems));
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
        let Some(reloader) = reloader.as_mut().filter(|reloader| reloader.changed()) else {
            return;
        };
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

/// One line for each reason: each can be acted on by itself.
pub(crate) fn report(what: &str, problems: &Problems) {
    tracing::error!("{what}");
    for problem in &problems.0 {
        tracing::error!("{problem}");
    }
}
