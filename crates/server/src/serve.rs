//! `serve`: from a source of configuration to listening sockets, until a signal says stop.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use ra::memory::MemoryJournal;
use ra::{Journal, Witness};
use store::{Options, SqlJournal};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;

use crate::app::report;
use crate::config::{JournalConfig, Limits, Problems};
use crate::metrics::{Metrics, Watch};
use crate::reload::{self, Loaded, Reloader, Source};
use crate::{App, Site, admin, health, listen, log, router, site, sweep, tls};

/// Why the process cannot serve. Each is shown as it is.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration.
    #[error("the configuration cannot be used:\n{0}")]
    Config(Problems),
    /// The journal.
    #[error("the journal cannot be opened: {0}")]
    Journal(#[from] ra::JournalError),
    /// A socket.
    #[error("{address} cannot be listened on: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The metrics.
    #[error("the metrics cannot be kept: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The operating system.
    #[error("the operating system failed: {0}")]
    System(#[from] std::io::Error),
}

/// Serves what `source` says until SIGTERM or SIGINT, and for a while longer what is under way.
///
/// # Errors
/// [`ServeError`] when it cannot begin, or a listener fails.
pub async fn run(source: Source) -> Result<(), ServeError> {
    // Before anyone can see that we are there: whoever does may send one.
    let stop = stop_signal()?;
    Server::open(source).await?.run(stop).await
}

/// A service whose sockets are bound: connections wait in them until it runs.
pub struct Server {
    app: Arc<App>,
    admin: Option<admin::Serving>,
    journal: Opened,
    sockets: Sockets,
    tls: Option<RustlsConfig>,
    limits: Limits,
    sweeping: JournalConfig,
    reload_every: Duration,
    hangup: Signal,
}

impl Server {
    /// Reads the configuration, opens the journal and binds the sockets.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn open(source: Source) -> Result<Self, ServeError> {
        let hangup = signal(SignalKind::hangup())?;
        let loaded = source
            .load()
            .map_err(|(problems, _)| ServeError::Config(problems))?;
        log::begin(&loaded.config.log);
        tracing::info!("Loading initial configuration");
        loaded.announce();
        let Loaded { config, fault, .. } = loaded;
        let metrics = Arc::new(Metrics::new()?);
        let witness: Arc<dyn Witness> = Arc::new(Watch(Arc::clone(&metrics)));
        let admin = admin::begin(&config.admin, Arc::clone(&metrics))
            .map_err(|(address, error)| ServeError::Listen { address, error })?;
        let journal = Opened::at(&config.journal).await?;
        let tls = config
            .listen
            .tls
            .as_ref()
            .map(tls::server_config)
            .transpose();
        let tls = tls.map_err(|problem| ServeError::Config(Problems(vec![problem])))?;
        let tls = tls.map(|config| RustlsConfig::from_config(Arc::new(config)));
        let reloader = Reloader::new(
            source,
            journal.journal(),
            Arc::clone(&witness),
            tls.clone(),
            config.files.clone(),
        );
        let (places, limits, sweeping, reload_every) = (
            (config.listen.address, config.listen.cmp),
            config.listen.limits.clone(),
            config.journal.clone(),
            config.reload_every,
        );
        let site = match &fault {
            // CertService starts all the same, and says 503 at /ready until the file is right.
            Some(fault) => {
                report(&fault.to_string(), fault.problems());
                Site::unconfigured(journal.journal(), witness, &config)
            }
            None => site::wire(config, journal.journal(), witness, None)
                .await
                .map_err(ServeError::Config)?,
        };
        let app = App::reloadable(site, metrics, reloader);
        app.noted(fault.as_ref().map_or(Ok(()), |fault| Err(fault.problems())));
        if let Some(admin) = &admin {
            admin.serves(Arc::clone(&app));
        }
        // The last step: whoever learns that we listen finds everything there.
        let sockets = Sockets::bind(places)?;
        Ok(Self {
            app,
            admin,
            journal,
            sockets,
            tls,
            limits,
            sweeping,
            reload_every,
            hangup,
        })
    }

    /// Serves until `stop` is there, and for a while longer what is under way.
    ///
    /// # Errors
    /// [`ServeError::System`] when a listener fails.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self {
            app,
            admin,
            journal,
            sockets,
            tls,
            limits,
            sweeping,
            reload_every,
            hangup,
        } = self;
        let mut background = JoinSet::new();
        background.spawn(sweep::run(
            Arc::clone(&app),
            sweeping.sweep_every,
            sweeping.sweep_at_once,
        ));
        background.spawn(health::run(Arc::clone(&app)));
        background.spawn(reload::watch(Arc::clone(&app), reload_every));
        background.spawn(reload_on_hangup(Arc::clone(&app), hangup));

        let handle = Handle::new();
        let stopping = tokio::spawn(stop_after(stop, handle.clone(), limits.shutdown));
        let rest = listen::serve(
            sockets.rest,
            router::router(Arc::clone(&app), &limits),
            tls,
            &limits,
            handle.clone(),
        );
        let served = match sockets.cmp {
            Some(socket) => {
                let cmp = listen::serve(
                    socket,
                    router::cmp_router(Arc::clone(&app), &limits),
                    None,
                    &limits,
                    handle,
                );
                tokio::try_join!(rest, cmp).map(|_| ())
            }
            None => rest.await,
        };
        stopping.abort();
        background.shutdown().await;
        app.cmp().say_rest();
        journal.close().await;
        // The last to go: whoever looks on sees the end.
        drop(admin);
        tracing::info!("stopped");
        served.map_err(ServeError::System)
    }
}

/// Ends with the first SIGTERM or SIGINT after this call.
///
/// # Errors
/// When the operating system does not let us listen to them.
pub fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

struct Sockets {
    rest: TcpListener,
    cmp: Option<TcpListener>,
}

impl Sockets {
    fn bind((rest, cmp): (SocketAddr, Option<SocketAddr>)) -> Result<Self, ServeError> {
        let bind = |address: SocketAddr| {
            let socket = TcpListener::bind(address)
                .map_err(|error| ServeError::Listen { address, error })?;
            // The address as bound: port 0 lets the system choose, and whoever started us has to learn which.
            tracing::info!("listening on {}", socket.local_addr()?);
            Ok::<_, ServeError>(socket)
        };
        Ok(Self {
            rest: bind(rest)?,
            cmp: cmp.map(bind).transpose()?,
        })
    }
}

enum Opened {
    Sql(Arc<SqlJournal>),
    Memory(Arc<MemoryJournal>),
}

impl Opened {
    async fn at(config: &JournalConfig) -> Result<Self, ServeError> {
        match &config.url {
            Some(url) => Ok(Self::Sql(Arc::new(
                SqlJournal::open(url, Options::default()).await?,
            ))),
            None => {
                tracing::warn!(
                    "the journal is kept in memory: requests under way are forgotten when this process ends; name a file for it \
                     (`journal.url`, or CERTWAY_JOURNAL=/path/journal.db)"
                );
                Ok(Self::Memory(Arc::new(MemoryJournal::by_system_clock())))
            }
        }
    }

    fn journal(&self) -> Arc<dyn Journal> {
        match self {
            Self::Sql(journal) => Arc::clone(journal) as Arc<dyn Journal>,
            Self::Memory(journal) => Arc::clone(journal) as Arc<dyn Journal>,
        }
    }

    async fn close(&self) {
        if let Self::Sql(journal) = self {
            journal.close().await;
        }
    }
}

async fn reload_on_hangup(app: Arc<App>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        // Said in the log by the one who failed.
        let _reported = app.reload().await;
    }
}

async fn stop_after(stop: impl Future<Output = ()>, handle: Handle<SocketAddr>, within: Duration) {
    stop.await;
    tracing::info!(
        "stopping: no new connections, {} s for what is under way",
        within.as_secs()
    );
    handle.graceful_shutdown(Some(within));
}
