//! The `certway-ra` program: arguments in, exit code out.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use server::onap::Environment;
use server::reload::Source;
use server::{check, serve};

/// A registration authority: REST and CMP in, a CMP CA or a signer of its own behind.
#[derive(Parser)]
#[command(name = "certway-ra", version)]
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
    match Arguments::parse()
        .command
        .unwrap_or(Command::Serve { config: None })
    {
        Command::Serve { config } => serve(config.or_else(from_environment)),
        Command::CheckConfig { file } => match check::check(&file) {
            Ok(summary) => {
                say(
                    &mut std::io::stdout(),
                    &format!("{}: {summary}", file.display()),
                );
                ExitCode::SUCCESS
            }
            Err(problems) => fail(&format!("{}:\n{problems}", file.display())),
        },
    }
}

/// The variable counts without the subcommand too: an image has no arguments.
fn from_environment() -> Option<PathBuf> {
    std::env::var_os("CERTWAY_CONFIG").map(PathBuf::from)
}

fn serve(config: Option<PathBuf>) -> ExitCode {
    let source = match config {
        Some(path) => Source::File(path),
        None => Source::Onap(Environment::of_process()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => return fail(&format!("no threads to work with: {e}")),
    };
    match runtime.block_on(serve::run(source)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e.to_string()),
    }
}

fn fail(text: &str) -> ExitCode {
    say(&mut std::io::stderr(), text);
    ExitCode::FAILURE
}

/// A reader that went away is no reason to panic.
fn say(to: &mut dyn Write, text: &str) {
    let _gone = writeln!(to, "{text}");
}
