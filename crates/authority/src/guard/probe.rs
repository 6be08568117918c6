use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use ra::{Authority, Support};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use url::Url;

use super::gate::Gate;

/// How to know how an endpoint does while nobody asks for anything. Nothing is ever enrolled for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeSettings {
    /// By what.
    pub by: Probe,
    /// How often; not while calls are answered anyway.
    pub every: Duration,
}

/// What a probe does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Opens a TCP connection and closes it: says that somebody listens.
    Tcp,
    /// Asks for the CA's certificates by genm (RFC 9810 section 5.3.19.14): any answer to be believed, a refusal too, says that
    /// the CA is there.
    Genm,
}

/// For a connection to stand.
const CONNECT: Duration = Duration::from_secs(5);

/// Probes one endpoint.
pub(crate) struct Prober {
    settings: ProbeSettings,
    last: Mutex<Option<Instant>>,
}

impl Prober {
    pub(crate) fn new(settings: ProbeSettings) -> Self {
        Self {
            settings,
            last: Mutex::default(),
        }
    }

    /// Whether a probe would tell something that is not known from calls, or from a probe before it.
    pub(crate) fn is_due(&self, gate: &Gate) -> bool {
        let every = self.settings.every;
        let last = *self.last();
        !gate.answered_within(every) && last.is_none_or(|last| last.elapsed() >= every)
    }

    /// One probe, if one is due. The gate learns what came of it.
    pub(crate) async fn probe_if_due(
        &self,
        gate: &Gate,
        authority: &dyn Authority,
        now: Timestamp,
    ) {
        if !self.is_due(gate) {
            return;
        }
        *self.last() = Some(Instant::now());
        match self.settings.by {
            Probe::Tcp => gate.reached(connect(gate.endpoint()).await),
            // A breaker at rest, and an endpoint that has more to do than it can: there is nothing to be learnt.
            Probe::Genm if gate.standing().is_err() => {}
            Probe::Genm => {
                let asked = gate.pass(authority.support(Support::CaCerts, now)).await;
                if let Err(error) = asked {
                    tracing::debug!(endpoint = gate.endpoint(), %error, "a probe of a CA");
                }
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<Instant>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn connect(endpoint: &str) -> Result<(), String> {
    let url = Url::parse(endpoint).map_err(|error| error.to_string())?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err("the endpoint names no host".to_owned());
    };
    // An IPv6 address stands in brackets in a URL.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match timeout(CONNECT, TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no connection within {CONNECT:?}")),
    }
}
