//! From a command to its outcome.

use crate::{
    args::{Args, Command},
    enroll,
    exit::{Exit, Failure},
    notes::Notes,
    renew,
    report::Report,
    revoke, show, trust,
};

/// Does what the command line says.
pub(crate) fn run(args: Args, notes: &Notes) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Local, format!("no runtime: {e}")))?;
    match args.command {
        Command::Enroll(options) => runtime.block_on(enroll::run(&options, notes)),
        Command::Renew(options) => runtime.block_on(renew::run(&options, notes)),
        Command::Revoke(options) => runtime.block_on(revoke::run(&options, notes)),
        Command::Trust(options) => runtime.block_on(trust::run(&options, notes)),
        Command::Show(options) => show::run(&options),
    }
}
