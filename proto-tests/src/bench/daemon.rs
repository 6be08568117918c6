//! A program that is measured: nobody else reads along, so its log goes to a file that it writes itself.

use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);
/// And to end.
const LAST_CALL: Duration = Duration::from_secs(20);
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(500);

/// It runs until this is dropped.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts `certway-ra serve` with a configuration, in the folder of that file.
    pub(crate) fn serve(program: &Path, config: &Path) -> Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(config.with_extension("log"))?;
        let child = Command::new(program)
            .args(["serve", "--config"])
            .arg(config)
            .current_dir(config.parent().context("the folder of the configuration")?)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| program.display().to_string())?;
        Ok(Self(child))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until something listens at `address`.
    pub(crate) fn listens_at(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.0.try_wait()? {
                bail!("certway-ra ended with {status}; its log is beside its configuration");
            }
            if Instant::now() > deadline {
                bail!("certway-ra does not listen at {address}");
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Daemon {
    /// Lets it end by itself: one that was built to write down what it did does so then.
    fn drop(&mut self) {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        // It may have ended already.
        let _ = id.map(|id| kill_process(id, Signal::TERM));
        let deadline = Instant::now() + LAST_CALL;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(PAUSE);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
