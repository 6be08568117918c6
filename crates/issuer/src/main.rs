//! The `certway-issuer` program: arguments in, exit code out.

use std::io::Write;
use std::process::ExitCode;

use api::probe;
use clap::Parser;
use issuer::args::{Arguments, Command};
use issuer::{kinds, run};
use tokio::runtime::Runtime;

/// A seventh of the CPU of a request went to glibc's, and musl's own makes threads wait for each other (docs/PERFORMANCE.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Arguments {
        command,
        run: arguments,
    } = Arguments::parse();
    let done = match command {
        Some(Command::Crds { onap }) => print_crds(onap),
        Some(Command::Probe { question, address }) => {
            runtime().and_then(|runtime| Ok(runtime.block_on(probe::ask(address, question))?))
        }
        None => runtime().and_then(|runtime| runtime.block_on(run::run(arguments.translated()))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A reader that went away is no reason to panic.
            let _gone = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_crds(onap: bool) -> anyhow::Result<()> {
    let mut items = kinds::crds();
    if onap {
        items.push(kinds::onap_crd());
    }
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": items });
    let text = serde_json::to_string_pretty(&list)?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn runtime() -> anyhow::Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.enable_all().build()?)
}
