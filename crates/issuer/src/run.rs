//! From arguments to running controllers, until a signal says stop.

mod controllers;
mod log;
mod prompt;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use kube::Client;
use kube::client::ClientBuilder;
use tokio::signal::unix::{SignalKind, signal};
use tower::limit::ConcurrencyLimitLayer;

use crate::admin::{self, Health};
use crate::args::Run;
use crate::lease::Elector;
use crate::metrics::Metrics;
use controllers::Controllers;

/// Longer than the RA takes to answer; Kubernetes is told a little more (terminationGracePeriodSeconds).
const FINISH_WITHIN: Duration = Duration::from_secs(50);
/// How many requests the API server is asked at a time, watches that have begun not counted. It is no quicker with more, and each is a connection with a handshake.
const CALLS_AT_A_TIME: usize = 16;

/// Runs the controllers until SIGTERM or SIGINT; what is on its way then is finished first.
///
/// # Errors
/// When the API server's address or our credentials are not known, or the metrics' address is taken. An API server that is away is waited for.
pub async fn run(arguments: Run) -> anyhow::Result<()> {
    log::begin(&arguments);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    let config = kube::Config::infer()
        .await
        .context("neither in a cluster nor with a kubeconfig")?;
    let namespace = arguments
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    // A Lease is not renewed late because many statuses wait to be written.
    let unhindered = Client::try_from(config.clone())?;
    let client = ClientBuilder::try_from(config)?
        .with_layer(&ConcurrencyLimitLayer::new(CALLS_AT_A_TIME))
        .build();
    let identity = arguments
        .pod_name
        .clone()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| format!("certway-issuer-{}", std::process::id()));

    let metrics = Arc::new(Metrics::new()?);
    let health = Arc::new(Health::default());
    let served = admin::serve(arguments.listen, Arc::clone(&metrics), Arc::clone(&health));
    let served = tokio::spawn(served);

    let (stop, stopping) = tokio::sync::watch::channel(false);
    let controllers = Controllers {
        client,
        arguments: arguments.clone(),
        namespace: namespace.clone(),
        identity: identity.clone(),
        metrics,
        health: Arc::clone(&health),
        stopping,
    };
    let work = async {
        if !arguments.leader_election {
            return controllers.run(std::future::pending()).await;
        }
        let elector = Elector::new(unhindered, &namespace, &arguments.lease_name, identity);
        while !*controllers.stopping.borrow() {
            // A replica that stands by is ready to.
            health.synced.store(true, Ordering::Relaxed);
            elector.acquired().await;
            controllers.run(elector.lost()).await;
            if !*controllers.stopping.borrow() {
                tracing::warn!("this replica does not hold the Lease any more and stands by");
            }
        }
        elector.vacate().await;
    };
    tokio::pin!(work);
    tokio::select! {
        () = &mut work => return Ok(()),
        ended = served => return ended?.with_context(|| format!("{} cannot be listened on", arguments.listen)),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: what is on its way is finished");
    stop.send_replace(true);
    if tokio::time::timeout(FINISH_WITHIN, work).await.is_err() {
        tracing::warn!("not everything was finished; the RA keeps it under the requests' UIDs");
    }
    Ok(())
}
