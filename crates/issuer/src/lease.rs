//! Who of several replicas works: the one that holds the Lease. The others wait with nothing but this running.
//!
//! Two that work at once for a moment ask the RA under the same name, the request's UID.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::{Instant, sleep, timeout};

use api::client::with_causes;

/// How long a holder that says nothing keeps it.
const DURATION: Duration = Duration::from_secs(15);
/// How long a holder goes on without having renewed it: less, so that it has stopped before another begins.
const RENEW_WITHIN: Duration = Duration::from_secs(10);
/// How often it is renewed, or tried for.
const EVERY: Duration = Duration::from_secs(2);

/// A Lease, and who we are.
pub struct Elector {
    api: Api<Lease>,
    name: String,
    identity: String,
}

/// What a look at the Lease means.
#[derive(Clone, Debug, PartialEq)]
enum Claim {
    /// It is ours, or free: this is to be written.
    Write(Box<Lease>),
    /// Somebody else has it.
    Others,
}

impl Elector {
    /// For the Lease of this name and namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str, name: &str, identity: String) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity,
        }
    }

    /// Waits until the Lease is ours.
    pub async fn acquired(&self) {
        loop {
            match timeout(RENEW_WITHIN, self.try_once()).await {
                Ok(Ok(true)) => {
                    tracing::info!(
                        lease = self.name,
                        identity = self.identity,
                        "this replica works now"
                    );
                    return;
                }
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = with_causes(&error), "the Lease cannot be had");
                }
            }
            sleep(EVERY).await;
        }
    }

    /// Renews it until that did not work for too long, or another has it.
    pub async fn lost(&self) {
        let mut renewed = Instant::now();
        loop {
            sleep(EVERY).await;
            let left = RENEW_WITHIN.saturating_sub(renewed.elapsed());
            match timeout(left, self.try_once()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(error = with_causes(&error), "the Lease was not renewed");
                    if renewed.elapsed() >= RENEW_WITHIN {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }

    /// Gives it back, so that another replica need not wait.
    pub async fn vacate(&self) {
        let Ok(lease) = self.api.get(&self.name).await else {
            return;
        };
        let spec = lease.spec.clone().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(&self.identity) {
            return;
        }
        let free = Lease {
            spec: Some(LeaseSpec {
                holder_identity: None,
                renew_time: None,
                ..spec
            }),
            ..lease
        };
        // Whoever changed it meanwhile has it.
        let _kept = self
            .api
            .replace(&self.name, &PostParams::default(), &free)
            .await;
    }

    async fn try_once(&self) -> Result<bool, kube::Error> {
        let there = self.api.get_opt(&self.name).await?;
        let is_new = there.is_none();
        let lease = match claim(there, &self.name, &self.identity, Timestamp::now()) {
            Claim::Write(lease) => lease,
            Claim::Others => return Ok(false),
        };
        let params = PostParams::default();
        // The resourceVersion read is in what is written: of two that try at once one gets a conflict.
        let written = if is_new {
            self.api.create(&params, &lease).await
        } else {
            self.api.replace(&self.name, &params, &lease).await
        };
        match written {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn claim(there: Option<Lease>, name: &str, identity: &str, now: Timestamp) -> Claim {
    let lease = there.unwrap_or_else(|| Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: None,
    });
    let spec = lease.spec.clone().unwrap_or_default();
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let ours = holder == identity;
    if !ours && !holder.is_empty() && !is_over(&spec, now) {
        return Claim::Others;
    }
    let transitions = spec.lease_transitions.unwrap_or_default();
    let spec = LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: if ours {
            spec.acquire_time
        } else {
            Some(MicroTime(now))
        },
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if ours {
            transitions
        } else {
            transitions.saturating_add(1)
        }),
        ..spec
    };
    Claim::Write(Box::new(Lease {
        spec: Some(spec),
        ..lease
    }))
}

fn is_over(spec: &LeaseSpec, now: Timestamp) -> bool {
    let seconds = spec.lease_duration_seconds.unwrap_or_default();
    let span = SignedDuration::from_secs(i64::from(seconds));
    spec.renew_time
        .as_ref()
        .is_none_or(|renewed| now.duration_since(renewed.0) > span)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(by: &str, at: &str) -> Option<Lease> {
        Some(Lease {
            metadata: ObjectMeta {
                resource_version: Some("7".to_owned()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(by.to_owned()),
                lease_duration_seconds: Some(15),
                renew_time: Some(MicroTime(at.parse().unwrap())),
                lease_transitions: Some(3),
                ..LeaseSpec::default()
            }),
        })
    }

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn written(claim: Claim) -> Lease {
        match claim {
            Claim::Write(lease) => *lease,
            Claim::Others => panic!("others hold it"),
        }
    }

    #[test]
    fn a_free_one_is_taken_and_an_old_one_is_taken_over_under_its_version() {
        let free = written(claim(None, "l", "me", now()));
        assert_eq!(free.spec.unwrap().holder_identity.as_deref(), Some("me"));
        let over = written(claim(
            held("other", "2026-11-22T09:59:40Z"),
            "l",
            "me",
            now(),
        ));
        assert_eq!(over.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(over.spec.unwrap().lease_transitions, Some(4));
        let vacated = written(claim(held("", "2026-11-22T09:59:59Z"), "l", "me", now()));
        assert_eq!(vacated.spec.unwrap().lease_transitions, Some(4));
    }

    #[test]
    fn somebody_elses_is_left_alone_while_it_lasts() {
        let claim = claim(held("other", "2026-11-22T09:59:50Z"), "l", "me", now());
        assert_eq!(claim, Claim::Others);
    }

    #[test]
    fn ours_is_renewed_without_a_transition() {
        let again = written(claim(held("me", "2026-11-22T09:59:58Z"), "l", "me", now()));
        let spec = again.spec.unwrap();
        assert_eq!(
            (spec.lease_transitions, spec.renew_time),
            (Some(3), Some(MicroTime(now())))
        );
    }

    #[test]
    fn a_holder_stops_before_another_may_begin() {
        assert!(RENEW_WITHIN + EVERY < DURATION);
    }
}
