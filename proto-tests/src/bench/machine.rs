//! What the figures were taken on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

/// One line about the machine, and how busy it is now.
pub(crate) fn describe(folder: &Path) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.split_once(':'));
        value.map_or("unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(format!(
        "{cores} cores of {}, {} of memory, Linux {}, fdatasync {:.0} µs, load average {}",
        field("/proc/cpuinfo", "model name"),
        field("/proc/meminfo", "MemTotal"),
        kernel.trim(),
        sync(folder)?.as_secs_f64() * 1e6,
        load(),
    ))
}

/// The load averages of one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The median of a hundred small durable writes: what a commit cannot be faster than.
fn sync(folder: &Path) -> Result<Duration> {
    let path = folder.join("fdatasync");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..100 {
        file.write_all(&[0; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed());
    }
    fs::remove_file(path)?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
