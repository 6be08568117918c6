//! What one kind of patch costs the API server and another, and what requests cost that are over.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::load;
use super::site::Site;
use crate::bench::process::{cpu, resident};

/// For how long nothing happens.
const QUIET: Duration = Duration::from_secs(30);

/// The end of a request, once by server-side apply and once by merge patch: CPU of the API server and of etcd, for each write.
pub(super) fn compared(site: &mut Site, objects: usize) -> Result<String> {
    let mut text =
        String::from("\n| status write | apiserver, ms each | etcd, ms each |\n|---|---|---|\n");
    site.stop_issuer();
    load::approved_requests(site, objects)?;
    // Both write over something of the same size. A merge patch has to say all conditions, or it would take the approver's away.
    load::status_of_each(site, objects, load::APPLY, &ended("0", &[]))?;
    for (name, media_type, message, others) in [
        ("server-side apply", load::APPLY, "1", &[][..]),
        ("merge patch", load::MERGE, "2", &[load::approved()][..]),
    ] {
        let processes = [
            site.cluster.control_plane.apiserver.id(),
            site.cluster.control_plane.etcd.id(),
        ];
        let before = processes.map(|pid| cpu(pid).unwrap_or_default());
        load::status_of_each(site, objects, media_type, &ended(message, others))?;
        let after = processes.map(|pid| cpu(pid).unwrap_or_default());
        let each = |n: usize| (after[n] - before[n]).as_secs_f64() * 1e3 / objects as f64;
        writeln!(text, "| {name} | {:.2} | {:.2} |", each(0), each(1))?;
    }
    Ok(text)
}

/// The issuer's CPU while nothing happens, with that many requests in the cluster that are over: once it has read them, and after.
pub(super) fn idle(site: &mut Site, objects: usize) -> Result<String> {
    site.stop_issuer();
    load::requests(site, objects)?;
    load::status_of_each(site, objects, load::APPLY, &ended("0", &[]))?;
    site.start_issuer();
    let ours = site.ours.as_ref().context("certway is measured")?;
    let pid = ours.certway.issuer.program.id();
    std::thread::sleep(QUIET);
    let read = cpu(pid)?;
    std::thread::sleep(QUIET);
    let used = cpu(pid)?.saturating_sub(read);
    Ok(format!(
        "\n{objects} requests that are over: the issuer used {:.2} s of CPU to start and to read them, {:.2} s in {} s after that, and has {:.0} MiB\n",
        read.as_secs_f64(),
        used.as_secs_f64(),
        QUIET.as_secs(),
        resident(pid)?,
    ))
}

/// A status of the size that an issued certificate has.
fn ended(message: &str, others: &[Value]) -> Value {
    let pem = "A".repeat(1_600);
    let ready = json!({
        "type": "Ready", "status": "True", "reason": "Issued", "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let conditions: Vec<&Value> = others.iter().chain([&ready]).collect();
    json!({ "status": { "certificate": pem, "ca": pem, "conditions": conditions } })
}
