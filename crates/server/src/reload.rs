//! Where configuration comes from, and reading it again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use ra::{Journal, Witness};

use crate::config::{self, Config, Problems};
use crate::files::Files;
use crate::onap::{self, Environment, ServersError};
use crate::{Site, site, tls};

/// Where configuration comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The environment and `cmpServers.json`, as CertService has it.
    Onap(Environment),
    /// A file.
    File(PathBuf),
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// `cmpServers.json`.
    #[error(transparent)]
    Servers(ServersError),
    /// Anything else.
    #[error("Exception occurred during CMP Servers configuration loading")]
    Config(Problems),
}

impl ReloadError {
    /// Every reason.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        match self {
            Self::Servers(error) => error.problems(),
            Self::Config(problems) => problems,
        }
    }
}

/// A configuration as read: right, but for the servers of `cmpServers.json`, without which the process still starts.
pub struct Loaded {
    /// What was read.
    pub config: Config,
    /// What is wrong with `cmpServers.json`; the configuration has no CA then.
    pub fault: Option<ServersError>,
    /// The `cmpServers.json` it was read from, if it was.
    servers_file: Option<PathBuf>,
}

impl Loaded {
    /// Says where the servers came from, in CertService's words. Apart from reading, because how to log is known only afterwards.
    pub fn announce(&self) {
        if let (Some(path), None) = (&self.servers_file, &self.fault) {
            tracing::info!(
                "CMP Servers configuration successfully loaded from file {}",
                path.display()
            );
        }
    }
}

impl Source {
    /// Reads everything.
    ///
    /// # Errors
    /// Everything that is wrong, with the files looked at.
    pub fn load(&self) -> Result<Loaded, (Problems, Files)> {
        match self {
            Self::File(path) => {
                let config = config::read(path)?;
                Ok(Loaded {
                    config,
                    fault: None,
                    servers_file: None,
                })
            }
            Self::Onap(environment) => {
                let mut config = environment.read()?;
                let path = environment.servers_file();
                let fault = match onap::load(&path, &mut config.files) {
                    Ok(entries) => {
                        onap::add(&entries, &mut config);
                        None
                    }
                    Err(error) => Some(error),
                };
                Ok(Loaded {
                    config,
                    fault,
                    servers_file: Some(path),
                })
            }
        }
    }
}

/// What a reload needs.
pub struct Reloader {
    source: Source,
    journal: Arc<dyn Journal>,
    witness: Arc<dyn Witness>,
    /// The listener's TLS, if it has any: new files, new handshakes.
    tls: Option<RustlsConfig>,
    files: Files,
}

impl Reloader {
    /// Reads `source` again when told to; `files` are those it was read from.
    #[must_use]
    pub fn new(
        source: Source,
        journal: Arc<dyn Journal>,
        witness: Arc<dyn Witness>,
        tls: Option<RustlsConfig>,
        files: Files,
    ) -> Self {
        Self {
            source,
            journal,
            witness,
            tls,
            files,
        }
    }

    pub(crate) fn changed(&self) -> bool {
        self.files.changed()
    }

    /// A new site, which takes over from `serving`. TLS is exchanged even when `cmpServers.json` is at fault: a renewed server certificate
    /// does not wait for it.
    pub(crate) async fn load(&mut self, serving: &Site) -> Result<Site, ReloadError> {
        let loaded = match self.source.load() {
            Ok(loaded) => loaded,
            Err((problems, files)) => {
                self.files = files;
                return Err(ReloadError::Config(problems));
            }
        };
        loaded.announce();
        self.files = loaded.config.files.clone();
        if let (Some(listener), Some(material)) = (&self.tls, &loaded.config.listen.tls) {
            match tls::server_config(material) {
                Ok(config) => listener.reload_from_config(Arc::new(config)),
                Err(problem) => return Err(ReloadError::Config(Problems(vec![problem]))),
            }
        }
        if let Some(fault) = loaded.fault {
            return Err(ReloadError::Servers(fault));
        }
        let (journal, witness) = (Arc::clone(&self.journal), Arc::clone(&self.witness));
        site::wire(loaded.config, journal, witness, Some(serving))
            .await
            .map_err(ReloadError::Config)
    }
}

/// Looks at the files every now and then, for as long as the process lives.
pub async fn watch(app: Arc<crate::App>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        app.reload_if_changed().await;
    }
}
