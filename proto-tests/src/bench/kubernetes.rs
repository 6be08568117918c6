//! certway-issuer beside cert-manager's own CA issuer on a real control plane: how long, at what cost to whom, and how many writes.
//!
//! The CA issuer signs in its own process. Ours goes through REST v2, the RA, its journal and a CMP CA. Each measure has a fresh cluster: what a controller costs grows
//! with what is there.

mod load;
mod meter;
mod site;
mod writes;

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::machine;
use crate::kube::Stack;
use meter::{Meter, Used};
use site::{Site, Who};

/// The text for `--help`.
pub const HELP: &str = "\
./proto-tests/bench-kubernetes [OPTION …]

  --objects N   how many of everything (1000; 1 to 100000)
  --only TEXT   only measures with TEXT in their name: drain, requests, certificates, writes, idle
  --help        this";

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many of everything.
    pub objects: usize,
    /// A part of a measure's name; empty is in all.
    pub only: String,
}

impl Options {
    /// Reads arguments; `None` when only the help is wanted.
    ///
    /// # Errors
    /// Which one is wrong and what would be right.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            objects: 1_000,
            only: String::new(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            if name == "--help" {
                return Ok(None);
            }
            let value = arguments.next();
            let value =
                value.ok_or_else(|| format!("{name}: not an option, or without a value"))?;
            match name.as_str() {
                "--objects" => {
                    let number = value.parse().ok();
                    options.objects = number
                        .filter(|number| (1..=100_000).contains(number))
                        .ok_or_else(|| {
                            format!("--objects: `{value}` is not a number from 1 to 100000")
                        })?;
                }
                "--only" => options.only = value,
                _ => return Err(format!("{name}: not an option")),
            }
        }
        Ok(Some(options))
    }
}

/// One way of giving an issuer work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// Approved requests wait; the issuer is then started.
    Drain,
    /// Requests are made, approved by cert-manager's approver, and answered.
    Requests,
    /// Certificates are made, and become ready with their Secrets.
    Certificates,
}

impl Measure {
    const ALL: [Self; 3] = [Self::Drain, Self::Requests, Self::Certificates];

    fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Requests => "requests",
            Self::Certificates => "certificates",
        }
    }
}

/// Measures all that is wanted, and gives the tables in Markdown.
///
/// # Errors
/// When a program or the stack is missing.
pub fn run(options: &Options) -> Result<String> {
    let stack =
        Stack::here().context("the Kubernetes stack is missing: proto-tests/stack/build")?;
    let mut text = format!("{}\n\n", machine::describe(&std::env::temp_dir())?);
    let wanted = |name: &str| name.contains(&options.only);
    let mut rows = String::new();
    for measure in Measure::ALL {
        for who in [Who::InTree, Who::Certway]
            .iter()
            .filter(|_| wanted(measure.name()))
        {
            eprintln!("{}, {}", measure.name(), who.name());
            let mut site = Site::start(stack, *who);
            let (used, last) = measured(&mut site, measure, options.objects)?;
            row(&mut rows, measure, *who, options.objects, last, &used)?;
        }
    }
    if !rows.is_empty() {
        text += "| measure | issuer | first to last, s | per second | CPU s | RSS, MiB | status writes each | Events each | other CPU |\n\
                 |---|---|---|---|---|---|---|---|---|\n";
        text += &rows;
    }
    if wanted("writes") {
        eprintln!("writes");
        text += &writes::compared(&mut Site::start(stack, Who::InTree), options.objects)?;
    }
    if wanted("idle") {
        eprintln!("idle");
        text += &writes::idle(&mut Site::start(stack, Who::Certway), options.objects)?;
    }
    Ok(text)
}

fn measured(site: &mut Site, measure: Measure, objects: usize) -> Result<(Used, Duration)> {
    if measure == Measure::Drain {
        site.stop_issuer();
        load::approved_requests(site, objects)?;
        let meter = Meter::start(site)?;
        let took = load::until("CertificateRequest", "Ready", site, objects, |site| {
            site.start_issuer();
            Ok(())
        })?;
        return Ok((meter.stop(site)?, took));
    }
    let meter = Meter::start(site)?;
    let took = match measure {
        Measure::Certificates => load::until("Certificate", "Ready", site, objects, |site| {
            load::certificates(site, objects)
        })?,
        _ => load::until("CertificateRequest", "Ready", site, objects, |site| {
            load::requests(site, objects)
        })?,
    };
    Ok((meter.stop(site)?, took))
}

fn row(
    text: &mut String,
    measure: Measure,
    who: Who,
    objects: usize,
    took: Duration,
    used: &Used,
) -> Result<()> {
    let each = |count: f64| count / objects as f64;
    let list = |values: &[(&'static str, f64)], digits: usize| {
        let one = |(name, value): &(&str, f64)| format!("{name} {value:.digits$}");
        values.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    writeln!(
        text,
        "| {} | {} | {:.2} | {:.0} | {} | {} | {:.2} | {:.2} | {:.0} % |",
        measure.name(),
        who.name(),
        took.as_secs_f64(),
        objects as f64 / took.as_secs_f64(),
        list(&used.cpu, 2),
        list(&used.resident, 0),
        each(used.status_writes),
        each(used.events),
        100.0 * used.others,
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Options>, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn numbers_are_bounded_and_unknown_options_are_named() {
        assert_eq!(parse("--objects 20").unwrap().unwrap().objects, 20);
        assert!(parse("--objects 0").unwrap_err().contains("`0`"));
        assert!(parse("--fast 1").unwrap_err().contains("--fast"));
        assert!(parse("--objects").unwrap_err().contains("--objects"));
        assert_eq!(parse("--help").unwrap(), None);
    }
}
