//! The command line.

mod provider;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use api::probe::Question;
use clap::{Parser, Subcommand};
use jiff::SignedDuration;
use url::Url;

pub use provider::{Level, Provider};

/// cert-manager's CertificateRequests, answered by a certway-ra.
#[derive(Clone, Debug, Parser)]
#[command(name = "certway-issuer", version)]
pub struct Arguments {
    /// What to do; the controller runs when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How the controller runs.
    #[command(flatten)]
    pub run: Run,
}

/// What there is beside the controller.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum Command {
    /// Print the CustomResourceDefinitions, as JSON that `kubectl apply -f -` takes.
    Crds {
        /// ONAP's `CMPv2Issuer` as well.
        #[arg(long)]
        onap: bool,
    },
    /// Ask a certway-issuer on this machine how it does, and leave with 0 when well: for what cannot ask over HTTP.
    Probe {
        /// `live`: whether the process runs and answers; `ready`: whether it knows what it needs to.
        #[arg(value_name = "live|ready")]
        question: Question,
        /// Where it listens: its `--listen`, on this machine.
        #[arg(long, default_value = "127.0.0.1:9402", value_name = "ADDRESS:PORT")]
        address: SocketAddr,
    },
}

/// How the controller runs.
#[derive(Clone, Debug, clap::Args)]
pub struct Run {
    /// Where the Secrets and ConfigMaps of ClusterIssuers are [default: our own namespace].
    #[arg(
        long,
        env = "CERTWAY_CLUSTER_RESOURCE_NAMESPACE",
        value_name = "NAMESPACE"
    )]
    pub cluster_resource_namespace: Option<String>,
    /// Only these namespaces, without any ClusterRole: no ClusterIssuers and no CertificateSigningRequests then.
    #[arg(long, value_delimiter = ',', value_name = "NAMESPACE,…")]
    pub watch_namespaces: Vec<String>,
    /// Answer for ONAP's CMPv2Issuers as well.
    #[arg(long)]
    pub onap: bool,
    /// Answer Kubernetes' CertificateSigningRequests as well.
    #[arg(long)]
    pub signing_requests: bool,
    /// Take requests that nobody approved, as ONAP's provider does. A denial always counts.
    #[arg(long)]
    pub ignore_approval: bool,
    /// Our projected ServiceAccount token for the RA.
    #[arg(long, value_name = "FILE")]
    pub ra_token_file: Option<PathBuf>,
    /// An RA that the token may be sent to (scheme, host and port count); repeat it for several.
    #[arg(long, value_name = "URL")]
    pub ra_token_for: Vec<Url>,
    /// How often each issuer's RA and CA are asked how they do.
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "DURATION")]
    pub check_every: Duration,
    /// Work only while holding a Lease: for several replicas.
    #[arg(long)]
    pub leader_election: bool,
    /// The Lease's name, in our own namespace.
    #[arg(long, default_value = "certway-issuer", value_name = "NAME")]
    pub lease_name: String,
    /// Our own namespace [default: the one that the ServiceAccount's mount names].
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Our own name in Events and Leases [default: the host's].
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub pod_name: Option<String>,
    /// Where /metrics, /livez and /readyz are.
    #[arg(long, default_value = "0.0.0.0:9402", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Log as text instead of JSON.
    #[arg(long)]
    pub log_text: bool,
    /// What is logged: a level, or directives such as `info,issuer=debug`.
    #[arg(
        long,
        default_value = "info",
        env = "CERTWAY_LOG",
        value_name = "FILTER"
    )]
    pub log: String,
    /// What ONAP's provider is told.
    #[command(flatten)]
    pub provider: Provider,
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: SignedDuration = text.parse().map_err(|e| format!("{e}"))?;
    Duration::try_from(span)
        .ok()
        .filter(|span| !span.is_zero())
        .ok_or_else(|| "longer than nothing, such as 60s".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn namespaces_come_with_commas_and_durations_with_units() {
        let line = [
            "certway-issuer",
            "--watch-namespaces",
            "a,b",
            "--check-every",
            "5m",
        ];
        let run = Arguments::try_parse_from(line).unwrap().run;
        assert_eq!(run.watch_namespaces, ["a", "b"]);
        assert_eq!(run.check_every, Duration::from_secs(300));
        let zero = ["certway-issuer", "--check-every", "0s"];
        assert!(Arguments::try_parse_from(zero).is_err());
    }
}
