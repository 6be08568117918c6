//! [`App`]: what lives as long as the process, around the [`Site`] that a reload replaces.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::Site;

/// The process: the state of every handler.
pub struct App {
    site: ArcSwap<Site>,
}

impl App {
    /// A process that serves `site`.
    #[must_use]
    pub fn new(site: Site) -> Arc<Self> {
        Arc::new(Self {
            site: ArcSwap::from_pointee(site),
        })
    }

    /// What is served now. A handler asks once and keeps to the answer until it is done.
    pub fn site(&self) -> Arc<Site> {
        self.site.load_full()
    }

    /// Serves `site` from now on; calls under way end with what they began with.
    pub fn replace(&self, site: Site) {
        self.site.store(Arc::new(site));
    }
}
