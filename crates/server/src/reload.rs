//! Where configuration comes from, and reading it again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ra::{Journal, Witness};

use crate::config::{self, Addresses, Config, JournalConfig, Limits, LogConfig, Problems};
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
        for doubt in &self.config.warnings.0 {
            tracing::warn!(
                key = doubt.key,
                "The configuration works and is probably not meant so: {doubt}"
            );
        }
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
    tls: Option<tls::Exchangeable>,
    /// What the process was started with and keeps until it is started again.
    fixed: Fixed,
    files: Files,
    /// The last try failed although the files could be read: the same files may do next time.
    unfinished: bool,
}

impl Reloader {
    /// Reads `source` again when told to; `config` is what was read from it first.
    #[must_use]
    pub fn new(
        source: Source,
        journal: Arc<dyn Journal>,
        witness: Arc<dyn Witness>,
        tls: Option<tls::Exchangeable>,
        config: &Config,
    ) -> Self {
        Self {
            source,
            journal,
            witness,
            tls,
            fixed: Fixed::of(config),
            files: config.files.clone(),
            unfinished: false,
        }
    }

    /// Whether a file holds something else than when it was read last, or has to be tried again.
    pub(crate) async fn is_due(&self) -> bool {
        if self.unfinished {
            return true;
        }
        let files = self.files.clone();
        let looked = tokio::task::spawn_blocking(move || files.changed()).await;
        // A look that ends in a panic says nothing; reading them will say why.
        looked.unwrap_or(true)
    }

    /// A new site, which takes over from `serving`. All of it is exchanged or nothing, but for one thing: a fault of `cmpServers.json` does not
    /// keep a renewed server certificate out of service.
    pub(crate) async fn load(&mut self, serving: &Site) -> Result<Site, ReloadError> {
        let source = self.source.clone();
        // Files and the key derivations of keystores: nothing for a thread that serves.
        let loaded = tokio::task::spawn_blocking(move || source.load()).await;
        let loaded = loaded.map_err(|error| {
            let mut problems = Problems::default();
            problems.add(
                "",
                format!("reading it ended without a result: {error}"),
                "",
            );
            ReloadError::Config(problems)
        })?;
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err((problems, files)) => {
                self.files = files;
                self.unfinished = false;
                return Err(ReloadError::Config(problems));
            }
        };
        loaded.announce();
        let Loaded { config, fault, .. } = loaded;
        self.files = config.files.clone();
        self.unfinished = true;
        let material = config.listen.tls.as_ref().map(tls::server_config);
        let material = material
            .transpose()
            .map_err(|problem| ReloadError::Config(Problems(vec![problem])))?;
        let fixed = Fixed::of(&config);
        let site = match fault {
            Some(fault) => Err(ReloadError::Servers(fault)),
            None => site::wire(
                config,
                Arc::clone(&self.journal),
                Arc::clone(&self.witness),
                Some(serving),
            )
            .await
            .map_err(ReloadError::Config),
        };
        if let (Some(listener), Some(material), Ok(_) | Err(ReloadError::Servers(_))) =
            (&self.tls, material, &site)
        {
            listener.exchange(material);
        }
        self.unfinished = matches!(site, Err(ReloadError::Config(_)));
        if site.is_ok() {
            self.fixed.say_what_waits(&fixed);
        }
        site
    }
}

/// Keys whose new values count after the next start alone.
#[derive(Debug, PartialEq, Eq)]
struct Fixed {
    addresses: Addresses,
    has_tls: bool,
    limits: Limits,
    journal: JournalConfig,
    log: LogConfig,
    reload_every: Duration,
}

impl Fixed {
    fn of(config: &Config) -> Self {
        Self {
            addresses: config.listen.addresses(),
            has_tls: config.listen.tls.is_some(),
            limits: config.listen.limits.clone(),
            journal: config.journal.clone(),
            log: config.log.clone(),
            reload_every: config.reload_every,
        }
    }

    /// The tables with keys that differ in `new`.
    fn waiting(&self, new: &Self) -> Vec<&'static str> {
        let listen = (&self.addresses, self.has_tls, &self.limits)
            == (&new.addresses, new.has_tls, &new.limits);
        let same = [
            ("listen", listen),
            ("journal", self.journal == new.journal),
            ("log", self.log == new.log),
            ("reload", self.reload_every == new.reload_every),
        ];
        let changed = same.into_iter().filter(|(_, same)| !same);
        changed.map(|(table, _)| table).collect()
    }

    fn say_what_waits(&self, new: &Self) {
        for table in self.waiting(new) {
            tracing::warn!(
                table,
                "the configuration says something else than this process was started with; that counts after a restart"
            );
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed() -> Fixed {
        Fixed {
            addresses: Addresses {
                rest: ([127, 0, 0, 1], 1).into(),
                cmp: None,
            },
            has_tls: true,
            limits: Limits::default(),
            journal: JournalConfig::default(),
            log: LogConfig::default(),
            reload_every: Duration::from_secs(5),
        }
    }

    #[test]
    fn what_counts_after_a_restart_alone_is_named() {
        assert!(fixed().waiting(&fixed()).is_empty());
        let new = Fixed {
            has_tls: false,
            log: LogConfig {
                json: true,
                ..LogConfig::default()
            },
            ..fixed()
        };
        assert_eq!(fixed().waiting(&new), ["listen", "log"]);
    }
}
