//! `serve`: from a source of configuration to listening sockets, until a signal says stop.

use std::sync::Arc;
use std::time::Duration;

use ra::memory::MemoryJournal;
use ra::{Journal, Witness};
use store::SqlJournal;
use tokio::net::TcpListener;
use tokio::pin;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::app::report;
use crate::config::{Addresses, JournalConfig, Limits, Problems};
use crate::listen::{self, Door, ListenError, Passed, PassedError};
use crate::metrics::{Metrics, Watch};
use crate::otlp::{NoTraces, Traces};
use crate::reload::{self, Loaded, Reloader, Source};
use crate::signals::StopSignals;
use crate::{App, Site, admin, compact, health, log, manager, router, site, sweep, tls};

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
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The admin listener's.
    #[error(transparent)]
    Admin(#[from] admin::BindError),
    /// A socket of the service manager's.
    #[error(transparent)]
    Passed(#[from] PassedError),
    /// A second signal to stop.
    #[error("stopped at once by a second signal; what was under way goes on after the next start")]
    Hurried,
    /// The traces.
    #[error(transparent)]
    Traces(#[from] NoTraces),
    /// The metrics.
    #[error("the metrics cannot be kept: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The operating system.
    #[error("the operating system failed: {0}")]
    System(#[from] std::io::Error),
}

/// Serves what `source` says, on the sockets that were `passed` or its own, until SIGTERM or SIGINT, and for a while longer what is under
/// way. A second signal ends it at once.
///
/// # Errors
/// [`ServeError`] when it cannot begin, or had to end before its time.
pub async fn run(source: Source, passed: Passed) -> Result<(), ServeError> {
    // Before anyone can see that we are there: whoever does may send one.
    let mut signals = StopSignals::listen()?;
    let opening = Server::open(source, passed);
    let server = tokio::select! {
        opened = opening => opened?,
        () = signals.next() => return Ok(()),
    };
    manager::ready(&server.app.standing().borrow());
    let manager = talk_to_manager(&server);
    let within = server.limits.shutdown;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server.run(async move {
        // Also when whoever could say it is gone.
        let _said = stopped.await;
    });
    pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = signals.next() => {}
    }
    manager::stopping(within);
    // It cannot be gone: it serves.
    let _serving = stop.send(());
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = signals.next() => Err(ServeError::Hurried),
    };
    drop(manager);
    ended
}

/// What goes on beside the serving as long as the value lives.
fn talk_to_manager(server: &Server) -> JoinSet<()> {
    let mut talks = JoinSet::new();
    talks.spawn(manager::keep_told(server.app.standing()));
    if let Some(patience) = manager::watchdog() {
        let journal = server.journal.clone();
        talks.spawn(manager::stay_alive(
            patience,
            Arc::new(move || journal.is_alive()),
        ));
    }
    talks
}

/// A service whose sockets are bound: connections wait in them until it runs.
pub struct Server {
    app: Arc<App>,
    admin: Option<admin::Serving>,
    traces: Option<Traces>,
    journal: Opened,
    sockets: Sockets,
    tls: Option<tls::Exchangeable>,
    limits: Limits,
    sweeping: JournalConfig,
    reload_every: Duration,
    hangup: Signal,
}

impl Server {
    /// Reads the configuration, opens the journal and binds the sockets, but for those that were `passed`.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn open(source: Source, mut passed: Passed) -> Result<Self, ServeError> {
        let hangup = signal(SignalKind::hangup())?;
        let loaded = source
            .load()
            .map_err(|(problems, _)| ServeError::Config(problems))?;
        let traces = loaded.config.otlp.as_ref().map(Traces::begin).transpose()?;
        log::begin(&loaded.config.log, traces.as_ref());
        tracing::info!("Loading initial configuration");
        loaded.announce();
        let Loaded { config, fault, .. } = loaded;
        let metrics = Arc::new(Metrics::new()?);
        let witness: Arc<dyn Witness> = Arc::new(Watch(Arc::clone(&metrics)));
        let admin = admin::bind(&config.admin, &mut passed)?;
        let admin = admin.map(|socket| admin::begin(socket, Arc::clone(&metrics)));
        let journal = Opened::at(&config.journal).await?;
        let tls = config
            .listen
            .tls
            .as_ref()
            .map(tls::server_config)
            .transpose();
        let tls = tls.map_err(|problem| ServeError::Config(Problems(vec![problem])))?;
        let tls = tls.map(tls::Exchangeable::new);
        let reloader = Reloader::new(
            source,
            journal.journal(),
            Arc::clone(&witness),
            tls.clone(),
            &config,
        );
        let (listen, limits) = (config.listen.addresses(), config.listen.limits.clone());
        let (sweeping, reload_every) = (config.journal.clone(), config.reload_every);
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
        listen::make_room(limits.connections);
        // The last step: whoever learns that we listen finds everything there.
        let sockets = Sockets::open(&listen, passed)?;
        Ok(Self {
            app,
            admin,
            traces,
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
    /// None as yet: what happens to one connection ends that connection.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self {
            app,
            admin,
            traces,
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
        if let Opened::Sql(journal) = &journal
            && sweeping.retention != store::Retention::default()
        {
            background.spawn(compact::run(
                Arc::clone(journal),
                sweeping.retention,
                sweeping.compact_every,
            ));
        }
        background.spawn(reload::watch(Arc::clone(&app), reload_every));
        background.spawn(reload_on_hangup(Arc::clone(&app), hangup));

        let drain = app.drain();
        let rest = router::router(Arc::clone(&app), &limits);
        let rest = Door::new(rest, tls, &limits, drain);
        background.spawn(listen::serve(sockets.rest, rest));
        if let Some(socket) = sockets.cmp {
            let cmp = router::cmp_router(Arc::clone(&app), &limits);
            let cmp = Door::new(cmp, None, &limits, drain);
            background.spawn(listen::serve(socket, cmp));
        }

        stop.await;
        drain.begin();
        tracing::info!(
            "stopping: no new connections, {} s for what is under way",
            limits.shutdown.as_secs()
        );
        drain.run(limits.shutdown).await;
        background.shutdown().await;
        app.cmp().say_rest();
        journal.close().await;
        if let Some(traces) = traces {
            traces.end().await;
        }
        // The last to go: whoever looks on sees the end.
        drop(admin);
        tracing::info!("stopped");
        Ok(())
    }
}

struct Sockets {
    rest: TcpListener,
    cmp: Option<TcpListener>,
}

impl Sockets {
    fn open(addresses: &Addresses, mut passed: Passed) -> Result<Self, ServeError> {
        let mut open = |name: &str, address| match passed.take(name)? {
            Some(socket) => Ok(socket),
            None => Ok::<_, ServeError>(listen::bind(address)?),
        };
        let rest = open("rest", addresses.rest)?;
        let cmp = addresses
            .cmp
            .map(|address| open("cmp", address))
            .transpose()?;
        passed.all_taken()?;
        for socket in [Some(&rest), cmp.as_ref()].into_iter().flatten() {
            // The address as bound: port 0 lets the system choose, and whoever started us has to learn which.
            tracing::info!("listening on {}", socket.local_addr()?);
        }
        Ok(Self { rest, cmp })
    }
}

#[derive(Clone)]
enum Opened {
    Sql(Arc<SqlJournal>),
    Memory(Arc<MemoryJournal>),
}

impl Opened {
    async fn at(config: &JournalConfig) -> Result<Self, ServeError> {
        match &config.database {
            Some(database) => {
                let opened = SqlJournal::open(database, config.options.clone()).await?;
                Ok(Self::Sql(Arc::new(opened)))
            }
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

    /// Whether what is done can still be written down, or tried to.
    fn is_alive(&self) -> bool {
        match self {
            Self::Sql(journal) => journal.is_alive(),
            Self::Memory(_) => true,
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
        manager::reloading();
        // Said in the log by the one who failed.
        let _reported = app.reload().await;
        manager::ready(&app.standing().borrow());
    }
}
