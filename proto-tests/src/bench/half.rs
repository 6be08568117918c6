//! Half load: requests are due at fixed times whatever became of those before, and latency counts from when they were due.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use tokio::sync::{Mutex, mpsc};

use super::cells::Cell;
use super::client::{self, Shared};
use super::figures::quantile;
use super::http::Http;
use super::load::{Bench, one_thread};

/// Before the measurement.
const WARM_UP: Duration = Duration::from_millis(400);
/// A p99 wants more than a second.
const LEAST: Duration = Duration::from_secs(3);

/// What half load gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfLoad {
    /// Requests a second that were due.
    pub(crate) rate: f64,
    /// Milliseconds from when a request was due to its answer.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Bench<'_> {
    /// REST v2 at `rate` requests a second over that many connections.
    pub(crate) fn half_load(&self, cell: &Cell, clients: usize, rate: f64) -> Result<HalfLoad> {
        let measured = self.measured.max(LEAST);
        let shared = Rc::new(self.shared(cell)?);
        let start = Instant::now() + Duration::from_millis(50);
        shared.from.set(start + WARM_UP);
        shared.until.set(start + WARM_UP + measured);
        let (due, dues) = mpsc::unbounded_channel();
        let until = shared.until.get();
        // A thread of its own: a timer of the runtime would be late by up to a millisecond.
        let pacer = std::thread::spawn(move || {
            let mut next = start;
            while next < until && due.send(next).is_ok() {
                next += Duration::from_secs_f64(1.0 / rate);
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        one_thread()?
            .block_on(self.keep_up(cell, clients, &shared, dues))
            .with_context(|| format!("{} at half load", cell.name))?;
        ensure!(pacer.join().is_ok(), "the pacer ended early");
        let mut latencies = shared.latencies.take();
        latencies.sort_unstable();
        Ok(HalfLoad {
            rate,
            p50: quantile(&latencies, 0.5) / 1000.0,
            p99: quantile(&latencies, 0.99) / 1000.0,
        })
    }

    async fn keep_up(
        &self,
        cell: &Cell,
        clients: usize,
        shared: &Shared,
        dues: mpsc::UnboundedReceiver<Instant>,
    ) -> Result<()> {
        let dues = Mutex::new(dues);
        let address = self.ra()?.rest.address();
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(Http::connect(address, Some(self.tls)).await?);
        }
        let all = connections.into_iter().map(async |mut http| {
            loop {
                let next = dues.lock().await.recv().await;
                let Some(due) = next else { return Ok(()) };
                client::once(shared, &mut http, self.subjects(cell)).await?;
                shared.note(due, Instant::now());
            }
        });
        try_join_all(all).await.map(drop)
    }
}
