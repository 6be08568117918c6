//! The CA and the certway-ra before it, in one process.

use anyhow::{Context, anyhow};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::folder::Folder;
use crate::listen::Passed;
use crate::reload::Source;
use crate::serve::{ServeError, Server};

/// Both, until they are stopped.
pub(super) struct Servers {
    running: JoinSet<Result<(), ServeError>>,
    stop: watch::Sender<bool>,
}

impl Servers {
    /// Serves what the two files say.
    pub(super) async fn start(folder: &Folder) -> anyhow::Result<Self> {
        let (stop, _) = watch::channel(false);
        let mut running = JoinSet::new();
        for name in ["ca.toml", "certway-ra.toml"] {
            let path = folder.path(name);
            let opened = Server::open(Source::File(path.clone()), Passed::default()).await;
            let server = opened.with_context(|| format!("{} cannot be served", path.display()))?;
            let mut stopped = stop.subscribe();
            running.spawn(server.run(async move {
                // An error means that whoever could say stop is gone.
                let _ = stopped.wait_for(|stop| *stop).await;
            }));
        }
        Ok(Self { running, stop })
    }

    /// Ends when one of them does, which nobody asked for, and says why.
    pub(super) async fn failed(&mut self) -> anyhow::Error {
        match self.running.join_next().await {
            Some(Ok(Err(error))) => error.into(),
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) | None => anyhow!("a server ended"),
        }
    }

    /// Stops both. What they say to it is in the log.
    pub(super) async fn stop(mut self) {
        let _nobody_listens = self.stop.send(true);
        while self.running.join_next().await.is_some() {}
    }
}
