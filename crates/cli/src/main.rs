//! certway: enroll, renew, revoke, trust and show, for people, cron and init containers.
//!
//! It is an edge: it reads the command line and files, asks a certway-ra over REST v2 ([`api::client`]), checks what came, and writes files.
//! What is allowed is decided by the service, how X.509 is read and written by [`pki`]. Start with [`command::run`].

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

mod acquire;
mod args;
mod bundle;
mod command;
mod connection;
mod credential;
mod enroll;
mod exit;
mod files;
mod job;
mod key;
mod names;
mod notes;
mod outputs;
mod patience;
mod renew;
mod report;
mod request;
mod revoke;
mod secret;
mod show;
mod trust;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let notes = notes::Notes::new(&args);
    // Only our own crates and rustls use it; that it is set already can only mean that it is the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let output = args.output;
    let report = match command::run(args, &notes) {
        Ok(report) => report,
        Err(failure) => {
            notes.failure(&failure);
            return failure.exit.into();
        }
    };
    // A closed pipe is the reader's choice; everything that matters was done before.
    let _ = io::stdout().write_all(report.rendered(output).as_bytes());
    ExitCode::SUCCESS
}
