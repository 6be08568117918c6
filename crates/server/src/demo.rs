//! `certway-ra demo`: a CA, a certway-ra before it, and certificates through each of its doors, in five minutes and one folder.
//!
//! It wires nothing of its own: it writes the configurations of a CA and of a certway-ra before it, and serves both in this process as
//! `certway-ra serve` would. Either can be served so afterwards, from the files in the folder.

mod client;
mod environment;
mod folder;
mod material;
mod next;
mod ports;
mod servers;
mod settings;
mod show;
mod tour;

use std::path::PathBuf;
use std::pin::pin;

use anyhow::anyhow;

use crate::log;
use crate::signals::StopSignals;
use environment::Environment;
use folder::Folder;
use material::Material;
use ports::Ports;
use servers::Servers;

pub use show::Screen;

/// Where everything goes unless someone says otherwise: beside whoever looks for it, and easy to throw away.
pub const DEFAULT_FOLDER: &str = "certway-demo";

/// The name of our only label, as ONAP's clients know it.
const LABEL: &str = "RA";

/// What the demo is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The one folder everything it makes is in.
    pub folder: PathBuf,
    /// End after the tour instead of staying.
    pub once: bool,
    /// The port of REST and of CMP over TLS; `None`: 8443, or a free one.
    pub rest_port: Option<u16>,
    /// The port of CMP over plain HTTP; `None`: 8080, or a free one.
    pub cmp_port: Option<u16>,
    /// The port of the CA behind; `None`: 8081, or a free one.
    pub ca_port: Option<u16>,
}

/// Runs the demo and tells on `screen` what comes of it.
///
/// # Errors
/// Which step failed, and why; the servers are stopped then.
pub async fn run(options: Options, screen: &mut Screen<'_>) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen()?;
    let mut interrupted = pin!(signals.next());
    let folder = Folder::open(&options.folder)?;
    log::begin_in(folder.append("demo.log")?);
    let ports = Ports::choose(&options)?;
    let material = Material::prepare(&folder).await?;
    settings::write(&folder, &ports)?;
    let environment = Environment::new(&folder, &ports, &material);
    folder.write_secret("demo.env", &environment.text())?;
    show::beginning(screen, &folder, &ports)?;

    let mut servers = Servers::start(&folder).await?;
    let worked = tokio::select! {
        toured = tour::run(&folder, &ports, &material, screen) => toured,
        failed = servers.failed() => Err(failed),
        () = &mut interrupted => Err(anyhow!("it was interrupted")),
    };
    let worked = match worked {
        Ok(()) => {
            show::next(screen, &environment)?;
            stay(&options, screen, &mut servers, interrupted).await
        }
        failed => failed,
    };
    servers.stop().await;
    worked.map_err(|why| anyhow!("{why:#}\nsee also {}", folder.text("demo.log")))
}

async fn stay(
    options: &Options,
    screen: &mut Screen<'_>,
    servers: &mut Servers,
    interrupted: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    if options.once {
        return Ok(());
    }
    show::ready(screen)?;
    tokio::select! {
        () = interrupted => Ok(()),
        failed = servers.failed() => Err(failed),
    }
}
