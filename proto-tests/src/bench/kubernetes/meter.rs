//! What the processes used between two moments, and what the API server was asked to write.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::site::Site;
use crate::bench::process::{cpu, resident};

/// What all the processes may use of one core when nothing goes on but what always does.
const AT_REST: f64 = 0.15;
/// How long is looked at a time, and how often at most.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS: usize = 120;

pub(super) struct Meter {
    cpu: BTreeMap<u32, Duration>,
    status_writes: f64,
    events: f64,
    busy: Duration,
    own: Duration,
    at: Instant,
}

pub(super) struct Used {
    /// CPU seconds by process.
    pub(super) cpu: Vec<(&'static str, f64)>,
    /// Memory at the end, in MiB.
    pub(super) resident: Vec<(&'static str, f64)>,
    /// Writes to the status of requests, by anybody.
    pub(super) status_writes: f64,
    /// Events written, by anybody.
    pub(super) events: f64,
    /// The part of all cores that something else used: neither the processes nor this program.
    pub(super) others: f64,
}

impl Meter {
    /// From when what came before is over: Events that wait for their turn, and the API server's own work on what it was given.
    pub(super) fn start(site: &Site) -> Result<Self> {
        at_rest(site)?;
        let of = |(_, pid): (&str, u32)| (pid, cpu(pid).unwrap_or_default());
        Ok(Self {
            cpu: site.processes().into_iter().map(of).collect(),
            status_writes: status_writes(site)?,
            events: events(site)?,
            busy: busy()?,
            own: cpu(std::process::id())?,
            at: Instant::now(),
        })
    }

    pub(super) fn stop(&self, site: &Site) -> Result<Used> {
        let cores = std::thread::available_parallelism()?.get();
        let whole = self.at.elapsed().as_secs_f64() * cores as f64;
        let busy = busy()?.saturating_sub(self.busy).as_secs_f64();
        let own = cpu(std::process::id())?.saturating_sub(self.own);
        let processes = site.processes();
        // One that was started meanwhile began at nothing.
        let used = processes.iter().map(|(name, pid)| {
            let before = self.cpu.get(pid).copied().unwrap_or_default();
            let used = cpu(*pid)?.saturating_sub(before);
            Ok((*name, used.as_secs_f64()))
        });
        let used = used.collect::<Result<Vec<_>>>()?;
        let known: f64 = used.iter().map(|(_, seconds)| seconds).sum();
        let memory = processes
            .iter()
            .map(|(name, pid)| Ok((*name, resident(*pid)?)));
        Ok(Used {
            cpu: used,
            resident: memory.collect::<Result<_>>()?,
            status_writes: status_writes(site)? - self.status_writes,
            events: events(site)? - self.events,
            others: ((busy - known - own.as_secs_f64()) / whole).max(0.0),
        })
    }
}

fn at_rest(site: &Site) -> Result<()> {
    let mut before = all(site);
    for _ in 0..LOOKS {
        std::thread::sleep(LOOK);
        let now = all(site);
        if now.saturating_sub(before) < LOOK.mul_f64(AT_REST) {
            return Ok(());
        }
        before = now;
    }
    bail!("the cluster does not come to rest")
}

/// What all of them have used. One that was stopped uses nothing.
fn all(site: &Site) -> Duration {
    let running = site.processes().into_iter();
    running.filter_map(|(_, pid)| cpu(pid).ok()).sum()
}

fn status_writes(site: &Site) -> Result<f64> {
    written(
        site,
        "resource=\"certificaterequests\"",
        "subresource=\"status\"",
    )
}

fn events(site: &Site) -> Result<f64> {
    written(site, "resource=\"events\"", "subresource=\"\"")
}

/// As the API server counts them.
fn written(site: &Site, resource: &str, part: &str) -> Result<f64> {
    let answer = site.cluster.admin.send("GET", "/metrics", "", b"")?;
    let text = answer.text();
    let is_write = |line: &str| {
        ["POST", "PUT", "PATCH", "APPLY"]
            .iter()
            .any(|verb| line.contains(&format!("verb=\"{verb}\"")))
    };
    let lines = text.lines().filter(|line| {
        line.starts_with("apiserver_request_total{")
            && line.contains(resource)
            && line.contains(part)
            && line.contains("code=\"20")
            && is_write(line)
    });
    let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    Ok(values.sum())
}

/// What all cores have worked since the machine started.
fn busy() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let first = text.lines().next().context("/proc/stat")?;
    let fields: Vec<u64> = first
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq; hundredths of a second.
    let busy = fields.iter().take(7).sum::<u64>() - fields[3] - fields[4];
    Ok(Duration::from_millis(10 * busy))
}
