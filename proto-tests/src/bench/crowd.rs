//! Many clients at once: a crowd that connects in the same moment, and connections that are only kept.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;

use super::cells::Cell;
use super::client;
use super::http::Http;
use super::load::{Bench, one_thread};
use super::process;

/// How many connect at once.
pub(crate) const CROWDS: [usize; 3] = [64, 256, 1000];
/// How many more connections are kept to see what one costs.
const IDLE: usize = 1000;

/// What came of a crowd: all of it was answered, or the run has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    pub(crate) clients: usize,
    /// From the first connection's start to the last certificate.
    pub(crate) took: Duration,
}

impl Bench<'_> {
    /// That many clients connect at once, each for one certificate over REST v2.
    pub(crate) fn crowd(&self, cell: &Cell, clients: usize) -> Result<Crowd> {
        let shared = self.shared(cell)?;
        let address = self.ra()?.rest.address();
        let start = Instant::now();
        one_thread()?
            .block_on(try_join_all((0..clients).map(async |_| {
                let mut http = Http::connect(address, Some(self.tls)).await?;
                client::once(&shared, &mut http, self.subjects(cell)).await
            })))
            .with_context(|| format!("{clients} clients at once"))?;
        Ok(Crowd {
            clients,
            took: start.elapsed(),
        })
    }

    /// KiB that one more idle connection costs.
    pub(crate) fn idle_connection(&self, cell: &Cell, clients: usize) -> Result<f64> {
        let shared = self.shared(cell)?;
        let (ra, subjects) = (self.ra()?, self.subjects(cell));
        let address = ra.rest.address();
        one_thread()?.block_on(async {
            let connect = async || Http::connect(address, Some(self.tls)).await;
            let mut used = try_join_all((0..clients).map(|_| connect())).await?;
            let use_all = used
                .iter_mut()
                .map(|http| client::once(&shared, http, subjects));
            try_join_all(use_all).await?;
            let before = process::resident(ra.program.id())?;
            let mut kept = Vec::new();
            for _ in 0..IDLE {
                kept.push(connect().await?);
            }
            let after = process::resident(ra.program.id())?;
            Ok((after - before) * 1024.0 / IDLE as f64)
        })
    }
}
