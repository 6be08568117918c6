//! One cell: so many clients, so long, and what the processes used meanwhile.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use rustls::ClientConfig;

use super::cells::{self, Front, Key, Target};
use super::client::{self, Shared};
use super::figures::{Figures, quantile};
use super::http::Http;
use super::process;
use super::requests::{Manner, Subject, prepare, prepare_v1};
use super::site::{Ca, Ra};

/// Before the measurement: caches fill, threads start.
const WARM_UP: Duration = Duration::from_millis(400);

/// More a second than anything here manages; what is prepared bounds a cell in number as its time does.
const fn fastest(cell: &cells::Cell) -> f64 {
    match (cell.front, cell.target, cell.key) {
        (Front::RestV1, _, Key::Rsa2048) => 3_000.0,
        (_, Target::Ra, _) => 15_000.0,
        (_, Target::Ca, _) => 40_000.0,
    }
}

/// Keys and names of the load clients.
pub(crate) struct Subjects {
    pub(crate) p256: Vec<Subject>,
    pub(crate) rsa2048: Vec<Subject>,
}

/// What a cell needs beside its own description.
pub(crate) struct Bench<'a> {
    pub(crate) ca: &'a Ca,
    pub(crate) ra: Option<&'a Ra>,
    pub(crate) tls: &'a Arc<ClientConfig>,
    pub(crate) subjects: &'a Subjects,
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
        let count = (WARM_UP + self.measured).as_secs_f64() * fastest(cell);
        let (count, subjects) = (count as usize, self.subjects(cell));
        let mut shared = self.shared(cell)?;
        match cell.front {
            Front::RestV2 => {}
            Front::RestV1 => {
                let requests = prepare_v1(count, subjects)?;
                shared.prepared_v1 = RefCell::new(requests.into_iter());
            }
            Front::Cmp { explicit, salts } => {
                let manner = Manner {
                    explicit,
                    salts,
                    as_ra: cell.target == Target::Ca,
                };
                shared.prepared = RefCell::new(prepare(count, manner, subjects)?.into_iter());
            }
        }
        let shared = Rc::new(shared);
        let runtime = one_thread()?;
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

    /// What clients of a cell that needs nothing prepared share.
    pub(crate) fn shared(&self, cell: &cells::Cell) -> Result<Shared> {
        Ok(Shared {
            head: self.head(cell)?,
            from: Cell::new(Instant::now()),
            until: Cell::new(Instant::now()),
            latencies: RefCell::default(),
            prepared: RefCell::new(Vec::new().into_iter()),
            prepared_v1: RefCell::new(Vec::new().into_iter()),
            serials: RefCell::new(HashSet::new()),
            sent: Cell::new(0),
            run: hex::encode(pki::random::bytes::<8>()?),
        })
    }

    pub(crate) fn subjects(&self, cell: &cells::Cell) -> &[Subject] {
        match cell.key {
            Key::P256 => &self.subjects.p256,
            Key::Rsa2048 => &self.subjects.rsa2048,
        }
    }

    async fn drive(
        &self,
        cell: &cells::Cell,
        clients: usize,
        shared: Rc<Shared>,
    ) -> Result<(Usage, Usage, f64)> {
        let (address, tls) = match (cell.target, cell.front) {
            (Target::Ca, _) => (self.ca.cmp.address(), None),
            (Target::Ra, Front::RestV1 | Front::RestV2) => {
                (self.ra()?.rest.address(), Some(self.tls))
            }
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
                    Front::RestV1 => client::rest_v1(shared, http).await,
                    Front::RestV2 => client::rest(shared, http, self.subjects(cell)).await,
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

    pub(crate) fn ra(&self) -> Result<&Ra> {
        self.ra.context("certway-ra does not run")
    }

    fn head(&self, cell: &cells::Cell) -> Result<Vec<u8>> {
        let label = cell.label;
        let head = match cell.front {
            Front::RestV1 => format!("GET /v1/certificate/{label} HTTP/1.1\r\nHost: localhost\r\n"),
            Front::RestV2 => post(&format!("/v2/{label}/certificates"), "application/json"),
            Front::Cmp { .. } => post(
                &format!("/.well-known/cmp/p/{label}"),
                "application/pkixcmp",
            ),
        };
        Ok(head.into_bytes())
    }
}

fn post(path: &str, media_type: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n")
}

/// One thread: what it costs is taken from the programs, and it is less than switching between several.
pub(crate) fn one_thread() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}
