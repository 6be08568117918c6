//! One cell: so many clients, so long, and what the processes used meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use rustls::ClientConfig;

use super::cells::{self, Front, Target};
use super::client::{self, Shared};
use super::figures::{Figures, quantile};
use super::http::Http;
use super::process;
use super::requests::{Manner, Subject, prepare};
use super::site::{Ca, Ra};

/// Before the measurement: caches fill, threads start.
const WARM_UP: Duration = Duration::from_millis(400);
/// More a second than anything here manages; what is prepared bounds a cell in number as its time does.
const FASTEST: f64 = 20_000.0;

/// What a cell needs beside its own description.
pub(crate) struct Bench<'a> {
    pub(crate) ca: &'a Ca,
    pub(crate) ra: Option<&'a Ra>,
    pub(crate) tls: &'a Arc<ClientConfig>,
    pub(crate) subjects: &'a [Subject],
    pub(crate) measured: Duration,
}

/// User and system time of everyone, at one moment.
struct Usage {
    ra: Duration,
    ca: Duration,
    own: Duration,
}

impl Bench<'_> {
    /// Measures one cell with that many clients.
    pub(crate) fn measure(&self, cell: &cells::Cell, clients: usize) -> Result<Figures> {
        let prepared = match cell.front {
            Front::RestV2 => Vec::new(),
            Front::Cmp { explicit } => {
                let count = (WARM_UP + self.measured).as_secs_f64() * FASTEST;
                let as_ra = cell.target == Target::Ca;
                prepare(count as usize, Manner { explicit, as_ra }, self.subjects)?
            }
        };
        let shared = Rc::new(Shared {
            head: self.head(cell)?,
            from: Cell::new(Instant::now()),
            until: Cell::new(Instant::now()),
            latencies: RefCell::default(),
            prepared: RefCell::new(prepared.into_iter()),
            serials: RefCell::new(HashSet::new()),
            sent: Cell::new(0),
            run: hex::encode(pki::random::bytes::<8>()?),
        });
        // One thread: what it costs is taken from the programs, and it is less than switching between several.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (before, after, resident) =
            runtime.block_on(self.drive(cell, clients, Rc::clone(&shared)))?;
        let mut latencies = shared.latencies.take();
        latencies.sort_unstable();
        ensure!(!latencies.is_empty(), "{}: nothing was enrolled", cell.name);
        let count = latencies.len() as f64;
        let each = |used: fn(&Usage) -> Duration| {
            used(&after).saturating_sub(used(&before)).as_secs_f64() * 1000.0 / count
        };
        Ok(Figures {
            rate: count / self.measured.as_secs_f64(),
            p50: quantile(&latencies, 0.5) / 1000.0,
            p99: quantile(&latencies, 0.99) / 1000.0,
            ra_cpu: each(|usage| usage.ra),
            ca_cpu: each(|usage| usage.ca),
            client_cpu: each(|usage| usage.own),
            resident,
        })
    }

    async fn drive(
        &self,
        cell: &cells::Cell,
        clients: usize,
        shared: Rc<Shared>,
    ) -> Result<(Usage, Usage, f64)> {
        let (address, tls) = match (cell.target, cell.front) {
            (Target::Ca, _) => (self.ca.cmp.address(), None),
            (Target::Ra, Front::RestV2) => (self.ra()?.rest.address(), Some(self.tls)),
            (Target::Ra, Front::Cmp { .. }) => (self.ra()?.cmp.address(), None),
        };
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(Http::connect(address, tls).await?);
        }
        shared.from.set(Instant::now() + WARM_UP);
        shared.until.set(shared.from.get() + self.measured);
        let all = connections.into_iter().map(|http| {
            let shared = Rc::clone(&shared);
            async move {
                match cell.front {
                    Front::RestV2 => client::rest(shared, http, self.subjects).await,
                    Front::Cmp { .. } => client::cmp(shared, http).await,
                }
            }
        });
        let meter = async {
            tokio::time::sleep_until(shared.from.get().into()).await;
            let before = self.usage()?;
            tokio::time::sleep_until(shared.until.get().into()).await;
            let after = self.usage()?;
            let resident = match self.ra {
                Some(ra) => process::resident(ra.program.id())?,
                None => 0.0,
            };
            Ok((before, after, resident))
        };
        let (usage, _) = futures::future::try_join(meter, try_join_all(all))
            .await
            .with_context(|| format!("{}, {clients} clients", cell.name))?;
        Ok(usage)
    }

    fn usage(&self) -> Result<Usage> {
        let ra = self
            .ra
            .map(|ra| process::cpu(ra.program.id()))
            .transpose()?;
        Ok(Usage {
            ra: ra.unwrap_or_default(),
            ca: process::cpu(self.ca.program.id())?,
            own: process::cpu(std::process::id())?,
        })
    }

    fn ra(&self) -> Result<&Ra> {
        self.ra.context("certway-ra does not run")
    }

    fn head(&self, cell: &cells::Cell) -> Result<Vec<u8>> {
        let (path, media_type) = match cell.front {
            Front::RestV2 => (
                format!("/v2/{}/certificates", cell.label),
                "application/json",
            ),
            Front::Cmp { .. } => (
                format!("/.well-known/cmp/p/{}", cell.label),
                "application/pkixcmp",
            ),
        };
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n");
        Ok(head.into_bytes())
    }
}
