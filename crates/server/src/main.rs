//! The `certway-ra` program: arguments in, exit code out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A registration authority: REST and CMP in, a CMP CA or a signer of its own behind.
#[derive(Parser)]
#[command(name = "certway-ra", version, arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve. Without --config: as ONAP CertService, by its environment and cmpServers.json.
    Serve {
        /// The configuration file (TOML, docs/CONFIG.md).
        #[arg(long, value_name = "FILE", env = "CERTWAY_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Say everything that is wrong with a configuration, and leave with 0 when nothing is.
    CheckConfig {
        /// The configuration: TOML, or a cmpServers.json.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        None | Some(Command::Serve { .. }) => ExitCode::from(2),
        Some(Command::CheckConfig { .. }) => ExitCode::from(2),
    }
}
