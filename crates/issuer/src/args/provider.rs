//! The flags of ONAP's CMPv2 provider, so that the arguments of its Deployment start us as they are.

use std::net::SocketAddr;

use clap::ValueEnum;

use super::Run;

/// They are its, with its meaning; each stands for one of ours.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "As ONAP's CMPv2 provider (any of these is --onap too)")]
pub struct Provider {
    /// `--listen`, where `:8080` is every address.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address, conflicts_with = "listen")]
    pub metrics_addr: Option<SocketAddr>,
    /// `--log`; of `debug`, `info`, `warn` and `error` the first is of this program alone.
    #[arg(long, value_name = "LEVEL", hide_possible_values = true)]
    pub log_level: Option<Level>,
    /// `--leader-election`.
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        conflicts_with = "leader_election"
    )]
    pub enable_leader_election: Option<bool>,
}

/// The levels that it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Its default.
    Debug,
    /// What happens.
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
}

impl Level {
    fn filter(self) -> &'static str {
        match self {
            Self::Debug => "info,issuer=debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl Run {
    /// In our own terms: what was given by ONAP's flags stands in the fields of ours.
    #[must_use]
    pub fn translated(mut self) -> Self {
        let Provider {
            metrics_addr,
            log_level,
            enable_leader_election,
        } = std::mem::take(&mut self.provider);
        self.onap |=
            metrics_addr.is_some() || log_level.is_some() || enable_leader_election.is_some();
        if let Some(address) = metrics_addr {
            self.listen = address;
        }
        if let Some(level) = log_level {
            level.filter().clone_into(&mut self.log);
        }
        self.leader_election |= enable_leader_election == Some(true);
        self
    }
}

/// As Go reads addresses: without a host it is every one.
fn address(text: &str) -> Result<SocketAddr, String> {
    let whole = if text.starts_with(':') {
        format!("0.0.0.0{text}")
    } else {
        text.to_owned()
    };
    whole
        .parse()
        .map_err(|_| format!("`{text}` is no address such as 127.0.0.1:8080 or :8080"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Arguments;

    fn run(arguments: &[&str]) -> Run {
        let line = std::iter::once("certway-issuer").chain(arguments.iter().copied());
        Arguments::try_parse_from(line).unwrap().run.translated()
    }

    #[test]
    fn the_arguments_of_onaps_deployment_are_taken_as_they_are() {
        let run = run(&["--metrics-addr=127.0.0.1:8080", "--log-level=debug"]);
        assert_eq!(run.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(run.log, "info,issuer=debug");
        assert!(run.onap && !run.leader_election);
        // What ONAP's provider did beside that has to be asked for.
        assert!(!run.ignore_approval);
    }

    #[test]
    fn each_of_its_flags_is_one_of_ours() {
        assert_eq!(run(&["--metrics-addr", ":8080"]).listen.port(), 8080);
        for (level, filter) in [("info", "info"), ("warn", "warn"), ("error", "error")] {
            assert_eq!(run(&["--log-level", level]).log, filter);
        }
        assert!(run(&["--enable-leader-election"]).leader_election);
        assert!(run(&["--enable-leader-election=true"]).leader_election);
        assert!(!run(&["--enable-leader-election=false"]).leader_election);
    }

    #[test]
    fn without_them_nothing_is_different() {
        let run = run(&["--listen", "127.0.0.1:1", "--log", "debug"]);
        assert_eq!((run.listen.port(), run.log.as_str()), (1, "debug"));
        assert!(!run.onap);
    }

    #[test]
    fn what_it_did_not_know_is_refused() {
        let refused = [
            ["--metrics-addr", "everywhere"],
            ["--log-level", "loud"],
            ["--log-level", "DEBUG"],
        ];
        for [flag, value] in refused {
            assert!(Arguments::try_parse_from(["certway-issuer", flag, value]).is_err());
        }
    }
}
