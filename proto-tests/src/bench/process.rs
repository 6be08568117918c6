//! What a process used, as Linux counts it.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// Of a second: what `/proc/PID/stat` counts in (USER_HZ, 100 on every Linux this runs on).
const TICKS: u32 = 100;

/// User and system time of a process, all threads, ended ones too; steps of 10 ms.
///
/// # Errors
/// When there is no such process.
pub fn cpu(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).context(path)?;
    ticks(&text)
        .map(|ticks| Duration::from_secs(1) * ticks / TICKS)
        .context("the times in /proc/PID/stat")
}

/// utime and stime: the 14th and 15th field. The second, the name, may have anything in it but ends at the last parenthesis.
fn ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    Some(next()? + next()?)
}

/// Memory in use, in MiB.
pub(crate) fn resident(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).context(path)?;
    let kib = text.lines().find_map(|line| {
        let value = line.strip_prefix("VmRSS:")?;
        value.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()
    });
    Ok(kib.context("VmRSS in /proc/PID/status")? / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_a_name_with_parentheses() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 9 0 0 0 120 34 0 0 20 0 4 0 1 1 1";
        assert_eq!(ticks(stat), Some(154));
    }

    #[test]
    fn this_process_has_memory_and_times() {
        let own = std::process::id();
        assert!(resident(own).unwrap() > 0.1);
        cpu(own).unwrap();
    }
}
