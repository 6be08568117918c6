//! The `certway-issuer` program: arguments in, exit code out.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use issuer::args::{Arguments, Command};
use issuer::{kinds, run};

fn main() -> ExitCode {
    let Arguments { command, run } = Arguments::parse();
    let done = match command {
        Some(Command::Crds { onap }) => print_crds(onap),
        None => serve(run),
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

fn serve(arguments: issuer::args::Run) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run::run(arguments))
}
