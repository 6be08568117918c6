//! The `certway-ra` program: arguments in, exit code out.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use api::probe::{self, Question};
use clap::{Parser, Subcommand};
use server::check::Checked;
use server::listen::Passed;
use server::onap::Environment;
use server::reload::Source;
use server::{check, demo, journal, serve};

/// A seventh of the CPU of an enrollment went to glibc's, and musl's own makes threads wait for each other (docs/PERFORMANCE.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Show everything at work: a CA, a certway-ra before it, certificates through each of its doors, and what to try next.
    Demo {
        /// The folder for all that is made; an earlier demo's is used again, with its keys.
        #[arg(long, value_name = "DIR", default_value = demo::DEFAULT_FOLDER)]
        dir: PathBuf,
        /// End when it is done instead of staying.
        #[arg(long)]
        once: bool,
        /// The port of REST, and of CMP over HTTPS [default: 8443, or a free one].
        #[arg(long, value_name = "N")]
        rest_port: Option<u16>,
        /// The port of CMP over HTTP [default: 8080, or a free one].
        #[arg(long, value_name = "N")]
        cmp_port: Option<u16>,
        /// The port of the CA behind [default: 8081, or a free one].
        #[arg(long, value_name = "N")]
        ca_port: Option<u16>,
    },
    /// Look at the journal of a service, running or not, and take out what is too old.
    Journal {
        /// The configuration file of the service. Without: CertService's environment.
        #[arg(long, value_name = "FILE", env = "CERTWAY_CONFIG", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: journal::Command,
    },
    /// Say everything that is wrong with a configuration, and leave with 0 when nothing is.
    CheckConfig {
        /// The configuration: TOML, or a cmpServers.json.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Ask a certway-ra on this machine how it does, and leave with 0 when well: for what cannot ask over HTTP.
    Probe {
        /// `live`: whether the process runs and answers; `ready`: whether it can serve.
        #[arg(value_name = "live|ready")]
        question: Question,
        /// Its admin listener: `admin.address` and `admin.port`.
        #[arg(long, default_value = "127.0.0.1:9464", value_name = "ADDRESS:PORT")]
        address: SocketAddr,
    },
}

/// For the sessions of tokens to be closed at the end.
const LAST_CALL: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let code = run();
    // One that hangs keeps nobody.
    let _closed = pki::pkcs11::close(LAST_CALL);
    code
}

fn run() -> ExitCode {
    match Arguments::parse()
        .command
        .unwrap_or(Command::Serve { config: None })
    {
        Command::Serve { config } => serve(config.or_else(from_environment)),
        Command::Demo {
            dir,
            once,
            rest_port,
            cmp_port,
            ca_port,
        } => show(demo::Options {
            folder: dir,
            once,
            rest_port,
            cmp_port,
            ca_port,
        }),
        Command::Journal { config, command } => {
            let mut out = std::io::BufWriter::new(std::io::stdout());
            block_on(async {
                journal::run(source(config), command, &mut out)
                    .await
                    .map_err(|e| e.to_string())
            })
        }
        Command::CheckConfig { file } => match check::check(&file) {
            Ok(Checked { summary, warnings }) => {
                for doubt in &warnings.0 {
                    let text = format!("{}: warning: {doubt}", file.display());
                    say(&mut std::io::stderr(), &text);
                }
                say(
                    &mut std::io::stdout(),
                    &format!("{}: {summary}", file.display()),
                );
                ExitCode::SUCCESS
            }
            Err(problems) => fail(&format!("{}:\n{problems}", file.display())),
        },
        Command::Probe { question, address } => block_on(async move {
            probe::ask(address, question)
                .await
                .map_err(|e| e.to_string())
        }),
    }
}

/// The variable counts without the subcommand too: an image has no arguments.
fn from_environment() -> Option<PathBuf> {
    std::env::var_os("CERTWAY_CONFIG").map(PathBuf::from)
}

fn serve(config: Option<PathBuf>) -> ExitCode {
    let source = source(config);
    // Before there are threads: it reads and changes the environment.
    let passed = match Passed::of_process() {
        Ok(passed) => passed,
        Err(e) => return fail(&e.to_string()),
    };
    block_on(async { serve::run(source, passed).await.map_err(|e| e.to_string()) })
}

fn source(config: Option<PathBuf>) -> Source {
    match config {
        Some(path) => Source::File(path),
        None => Source::Onap(Environment::of_process()),
    }
}

fn show(options: demo::Options) -> ExitCode {
    let mut out = std::io::stdout();
    let mut screen = demo::Screen(&mut out);
    block_on(async {
        demo::run(options, &mut screen)
            .await
            .map_err(|e| format!("the demo failed: {e:#}"))
    })
}

fn block_on(work: impl Future<Output = Result<(), String>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => return fail(&format!("no threads to work with: {e}")),
    };
    let ended = runtime.block_on(work);
    // What still runs has been given up; nothing waits for a thread that hangs in a system call.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e),
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
