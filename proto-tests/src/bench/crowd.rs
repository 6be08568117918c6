//! Many clients at once: a crowd that connects in the same moment, and connections that are only kept.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::{join_all, try_join_all};

use super::cells::Cell;
use super::client;
use super::http::Http;
use super::load::{Bench, one_thread};
use super::process;

/// How many connect at once.
pub(crate) const CROWDS: [usize; 3] = [64, 256, 1000];
/// How many more connections are kept to see what one costs.
const IDLE: usize = 1000;

/// What came of a crowd.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    pub(crate) clients: usize,
    /// How many have their certificate.
    pub(crate) answered: usize,
    /// From the first connection's start to the last certificate.
    pub(crate) took: Duration,
}

impl Bench<'_> {
    /// That many clients connect at once, each for one certificate over REST v2.
    pub(crate) fn crowd(&self, cell: &Cell, clients: usize) -> Result<Crowd> {
        let shared = self.shared(cell)?;
        let address = self.ra()?.rest.address();
        let start = Instant::now();
        let answers = one_thread()?.block_on(join_all((0..clients).map(async |_| {
            let mut http = Http::connect(address, Some(self.tls)).await?;
            client::once(&shared, &mut http, self.subjects(cell)).await
        })));
        let missed = answers.iter().filter_map(|answer| answer.as_ref().err());
        if let Some(why) = missed.clone().next() {
            eprintln!("{clients} clients at once: one was not answered: {why:#}");
        }
        Ok(Crowd {
            clients,
            answered: clients - missed.count(),
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
