//! A CA with one endpoint or several, guarded: [`Guard`] is an [`ra::Authority`] around those that ask one endpoint each.
//!
//! Each endpoint has its gate: a limit on calls under way, a short queue before it, a deadline, and a breaker that leaves an
//! endpoint alone which does not answer. Before a message is made, `prepare` chooses the endpoint that is to hear it, or turns
//! the request away. The choice is in the sealed state, and so in the journal before the first octet leaves us: from then on
//! the same bytes go to the same endpoint, whoever sends them, unless the endpoints are one cluster. Only a first attempt that
//! has surely not arrived is made anew elsewhere.

mod breaker;
mod gate;
mod probe;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use ra::{
    Answer, AskError, Authority, AuthorityName, By, EndpointHealth, Health, Order, Sealed, Step,
    Support, SupportAnswer, Verdict,
};

use gate::{Gate, Shed, Standing};
use probe::Prober;
use state::State;

pub use breaker::BreakerSettings;
pub use gate::GateSettings;
pub use probe::{Probe, ProbeSettings};

/// How a CA is guarded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuardSettings {
    /// What holds for each endpoint.
    pub gate: GateSettings,
    /// What the endpoints are to each other.
    pub endpoints: Endpoints,
    /// How to know how they do while nobody asks for anything.
    pub probe: Option<ProbeSettings>,
}

/// What the endpoints of a CA are to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endpoints {
    /// Each knows its own transactions only: what one has heard is never put to another.
    #[default]
    Separate,
    /// They share their transactions: where one cannot be reached, the same bytes are put to the next, which knows them for the
    /// same.
    Cluster,
}

/// One endpoint, and who asks it.
pub struct Member {
    /// Where it is, as configured: what the journal remembers it by.
    pub endpoint: String,
    /// Asks this endpoint and no other. All members can read each other's state.
    pub authority: Arc<dyn Authority>,
}

/// A CA behind gates.
pub struct Guard {
    name: AuthorityName,
    endpoints: Endpoints,
    members: Vec<Guarded>,
}

struct Guarded {
    gate: Arc<Gate>,
    authority: Arc<dyn Authority>,
    prober: Option<Prober>,
}

/// A guard without an endpoint has nobody to ask.
#[derive(Debug, thiserror::Error)]
#[error("the CA has no endpoint")]
pub struct NoEndpoint;

impl Guard {
    /// The CA of that name behind these endpoints, best first. What `earlier` has learnt of those it had as well is kept: a reload
    /// changes nothing at the CA.
    ///
    /// # Errors
    /// [`NoEndpoint`]
    pub fn new(
        name: AuthorityName,
        settings: &GuardSettings,
        members: Vec<Member>,
        earlier: Option<&Self>,
    ) -> Result<Self, NoEndpoint> {
        if members.is_empty() {
            return Err(NoEndpoint);
        }
        let known = |endpoint: &str| {
            let mut all = earlier.iter().flat_map(|guard| &guard.members);
            all.find(|member| member.gate.endpoint() == endpoint)
        };
        let guarded = |member: Member| Guarded {
            gate: match known(&member.endpoint) {
                Some(known) => Gate::after(&known.gate, settings.gate),
                None => Arc::new(Gate::new(member.endpoint, settings.gate)),
            },
            authority: member.authority,
            prober: settings.probe.clone().map(Prober::new),
        };
        Ok(Self {
            name,
            endpoints: settings.endpoints,
            members: members.into_iter().map(guarded).collect(),
        })
    }

    /// Whether it is an endpoint's turn to be asked how it does.
    pub fn is_probe_due(&self) -> bool {
        let due = |member: &Guarded| {
            let prober = member.prober.as_ref();
            prober.is_some_and(|prober| prober.is_due(&member.gate))
        };
        self.members.iter().any(due)
    }

    /// Asks every endpoint how it does whose turn it is: probes are due one interval after the last, and not while calls are
    /// answered anyway. To be called every now and then.
    pub async fn probe_due(&self, now: Timestamp) {
        let due = self.members.iter().filter_map(|member| {
            let prober = member.prober.as_ref()?;
            Some(prober.probe_if_due(&member.gate, member.authority.as_ref(), now))
        });
        futures::future::join_all(due).await;
    }

    /// The endpoint for a new transaction: the first that is well, else the first that is to be asked at all.
    fn choose(&self) -> Result<&Guarded, AskError> {
        let mut soonest: Option<Shed> = None;
        let mut doubtful = None;
        for member in &self.members {
            match member.gate.standing() {
                Ok(Standing::Well) => return Ok(member),
                Ok(Standing::Doubtful) => doubtful = doubtful.or(Some(member)),
                Err(shed)
                    if soonest
                        .as_ref()
                        .is_none_or(|s| shed.retry_after < s.retry_after) =>
                {
                    soonest = Some(shed);
                }
                Err(_) => {}
            }
        }
        doubtful.ok_or_else(|| {
            self.members
                .iter()
                .for_each(|member| member.gate.turned_away());
            soonest.map_or_else(nobody, AskError::from)
        })
    }

    /// Who goes on with a transaction, in order: the endpoint that hears it, and in a cluster the others after it.
    fn carriers(&self, endpoint: &str) -> Result<Vec<&Guarded>, AskError> {
        let home = self
            .members
            .iter()
            .position(|member| member.gate.endpoint() == endpoint);
        let mut all: Vec<_> = self.members.iter().collect();
        match (home, self.endpoints, all.as_slice()) {
            (Some(home), Endpoints::Separate, _) => Ok(vec![all.swap_remove(home)]),
            (Some(home), Endpoints::Cluster, _) => {
                let home = all.remove(home);
                best_first(&mut all);
                all.insert(0, home);
                Ok(all)
            }
            // The one endpoint of the CA has moved, or any of the cluster will do.
            (None, Endpoints::Cluster, _) | (None, _, [_]) => Ok(all),
            (None, Endpoints::Separate, _) => Err(AskError::Ours {
                why: format!(
                    "{endpoint} hears this transaction and is no endpoint of {} any more: put it back until its transactions are over",
                    self.name
                ),
            }),
        }
    }

    /// Whether another endpoint is well, so that a message made anew may go there.
    fn has_other_way(&self, than: &str) -> bool {
        let mut others = self
            .members
            .iter()
            .filter(|member| member.gate.endpoint() != than);
        others.any(|member| member.gate.standing() == Ok(Standing::Well))
    }

    /// Makes the same call at one after the other, until it has arrived.
    async fn carry<'m, C, F>(&'m self, endpoint: &str, call: C) -> Result<Step, AskError>
    where
        C: Fn(&'m dyn Authority) -> F,
        F: Future<Output = Result<Step, AskError>>,
    {
        let mut result = Err(nobody());
        for member in self.carriers(endpoint)? {
            result = member.gate.pass(call(member.authority.as_ref())).await;
            match &result {
                Err(AskError::NotSent { why, .. }) => {
                    tracing::debug!(authority = %self.name, endpoint = member.gate.endpoint(), %why, "an endpoint was not reached");
                }
                _ => break,
            }
        }
        let Step { state, progress } = result?;
        let state = State::seal(endpoint, state)?;
        Ok(Step { state, progress })
    }
}

#[async_trait]
impl Authority for Guard {
    async fn prepare(&self, order: Order<'_>, now: Timestamp) -> Result<Sealed, AskError> {
        let member = self.choose()?;
        let inner = member.authority.prepare(order, now).await?;
        State::seal(member.gate.endpoint(), inner)
    }

    async fn advance(&self, state: &Sealed, by: By<'_>, now: Timestamp) -> Result<Step, AskError> {
        let State { endpoint, inner } = State::open(state)?;
        let inner = &inner;
        let result = self
            .carry(&endpoint, |authority| authority.advance(inner, by, now))
            .await;
        match result {
            Err(AskError::NotSent { why, .. }) if self.has_other_way(&endpoint) => {
                Err(AskError::NotSent {
                    retry_after: Some(SignedDuration::ZERO),
                    why,
                })
            }
            result => result,
        }
    }

    async fn confirm(
        &self,
        state: &Sealed,
        answer: &Answer,
        verdict: &Verdict,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Step, AskError> {
        let State { endpoint, inner } = State::open(state)?;
        let inner = &inner;
        self.carry(&endpoint, |authority| {
            authority.confirm(inner, answer, verdict, by, now)
        })
        .await
    }

    /// Any endpoint can say; the first that does is believed.
    async fn support(&self, asked: Support, now: Timestamp) -> Result<SupportAnswer, AskError> {
        let mut result = Err(nobody());
        let mut members: Vec<_> = self.members.iter().collect();
        best_first(&mut members);
        for member in members {
            let call = member.authority.support(asked, now);
            result = match asked {
                Support::CaCerts => member.gate.pass(call).await,
                // Nobody is asked for it over the network.
                _ => call.await,
            };
            match &result {
                Err(AskError::NotSent { .. } | AskError::Unknown { .. }) => {}
                _ => break,
            }
        }
        result
    }

    /// Up as long as one endpoint is.
    async fn health(&self) -> Health {
        let mut troubles = Vec::new();
        for member in &self.members {
            match member.gate.trouble() {
                Some(why) => troubles.push(why),
                None => return Health::Up,
            }
        }
        troubles.dedup();
        Health::Down(troubles.join("; "))
    }

    fn endpoints(&self) -> Vec<EndpointHealth> {
        self.members
            .iter()
            .map(|member| member.gate.health())
            .collect()
    }
}

/// Those that are well, those that may be, those that are not asked; in the order of the configuration.
fn best_first(members: &mut [&Guarded]) {
    members.sort_by_cached_key(|member| match member.gate.standing() {
        Ok(Standing::Well) => 0,
        Ok(Standing::Doubtful) => 1,
        Err(_) => 2,
    });
}

fn nobody() -> AskError {
    AskError::Ours {
        why: NoEndpoint.to_string(),
    }
}

#[cfg(test)]
mod tests;
