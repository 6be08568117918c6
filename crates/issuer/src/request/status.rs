use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cert_manager::{CertificateRequest, CertificateRequestCondition};

/// What is written to a CertificateRequest, always in one patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// There is the certificate.
    Issued {
        /// Leaf and intermediates: PEM text.
        certificate: String,
        /// Roots: PEM text; empty leaves `ca` out.
        ca: String,
        /// For people.
        message: String,
    },
    /// Not yet; nothing for anyone to do but what the message says.
    Pending(String),
    /// It will never be answered; cert-manager makes another one when it thinks fit.
    Failed(String),
    /// The approver said no.
    Denied(String),
    /// The request itself is bad, so that another one like it would fail too.
    Invalid(String),
}

impl Written {
    /// Status and reason of the condition `Ready`.
    #[must_use]
    pub fn ready(&self) -> (&'static str, &'static str) {
        match self {
            Self::Issued { .. } => ("True", "Issued"),
            Self::Pending(_) => ("False", "Pending"),
            Self::Failed(_) | Self::Invalid(_) => ("False", "Failed"),
            Self::Denied(_) => ("False", "Denied"),
        }
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Issued { message, .. }
            | Self::Pending(message)
            | Self::Failed(message)
            | Self::Denied(message)
            | Self::Invalid(message) => message,
        }
    }

    /// Whether the request says so already, so that nothing needs to be written.
    #[must_use]
    pub fn stands_in(&self, request: &CertificateRequest) -> bool {
        ready_of(request).is_some_and(|ready| {
            let (status, reason) = self.ready();
            ready.status == status
                && ready.reason.as_deref() == Some(reason)
                && ready.message.as_deref() == Some(self.message())
        })
    }

    /// Whether `Ready` has another reason than before: what an Event is for.
    #[must_use]
    pub fn is_transition(&self, request: &CertificateRequest) -> bool {
        ready_of(request).is_none_or(|ready| ready.reason.as_deref() != Some(self.ready().1))
    }
}

fn ready_of(request: &CertificateRequest) -> Option<&CertificateRequestCondition> {
    let mut conditions = request.status.iter().flat_map(|status| &status.conditions);
    conditions.find(|c| c.type_ == "Ready")
}

/// The status as a server-side apply of ours: `Ready`, and what goes with it. The approver's conditions are not in it and stay as they are.
///
/// `failureTime` goes with every end that is not a certificate: without it cert-manager never makes another attempt (contract, Ready reasons).
#[must_use]
pub fn patch(request: &CertificateRequest, written: &Written, now: Timestamp) -> Value {
    let (status, reason) = written.ready();
    let since = ready_of(request)
        .filter(|ready| ready.status == status)
        .and_then(|ready| ready.last_transition_time.as_ref())
        .map_or(now, |time| time.0);
    let condition = |type_: &str, status: &str, reason: &str, since: Timestamp| {
        json!({
            "type": type_, "status": status, "reason": reason,
            "message": written.message(), "lastTransitionTime": seconds(since),
        })
    };
    let mut conditions = vec![condition("Ready", status, reason, since)];
    if let Written::Invalid(_) = written {
        conditions.push(condition("InvalidRequest", "True", "Invalid", now));
    }
    let mut body = json!({ "conditions": conditions });
    match written {
        Written::Issued {
            certificate, ca, ..
        } => {
            body["certificate"] = STANDARD.encode(certificate).into();
            if !ca.is_empty() {
                body["ca"] = STANDARD.encode(ca).into();
            }
        }
        Written::Failed(_) | Written::Denied(_) | Written::Invalid(_) => {
            body["failureTime"] = seconds(now).into();
        }
        Written::Pending(_) => {}
    }
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "CertificateRequest",
        "metadata": {
            "name": request.metadata.name,
            "namespace": request.metadata.namespace,
            // Another request of the same name must not get this one's certificate.
            "uid": request.metadata.uid,
            // Nor is anything written over what another replica, or we by an older look, wrote meanwhile: an apply without `certificate` would take it away.
            "resourceVersion": request.metadata.resource_version,
        },
        "status": body,
    })
}

/// Kubernetes' times have no fractions.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(ready: &Value) -> CertificateRequest {
        serde_json::from_value(json!({
            "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
            "metadata": { "name": "web-1", "namespace": "web", "uid": "u-1", "resourceVersion": "7" },
            "spec": { "issuerRef": { "name": "ca" }, "request": "" },
            "status": { "conditions": [ready, { "type": "Approved", "status": "True" }] },
        }))
        .unwrap()
    }

    fn pending() -> CertificateRequest {
        request(&json!({
            "type": "Ready", "status": "False", "reason": "Pending", "message": "m",
            "lastTransitionTime": "2026-11-22T09:00:00Z"
        }))
    }

    fn now() -> Timestamp {
        "2026-11-22T10:00:00.123Z".parse().unwrap()
    }

    #[test]
    fn an_issued_certificate_its_roots_and_ready_are_one_patch_without_the_approvers_condition() {
        let issued = Written::Issued {
            certificate: "leaf\n".to_owned(),
            ca: "root\n".to_owned(),
            message: "Certificate issued".to_owned(),
        };
        let patch = patch(&pending(), &issued, now());
        assert_eq!(
            patch["status"],
            json!({
                "certificate": "bGVhZgo=", "ca": "cm9vdAo=",
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "Issued", "message": "Certificate issued",
                    "lastTransitionTime": "2026-11-22T10:00:00Z"
                }],
            })
        );
        assert_eq!(patch["metadata"]["uid"], "u-1");
    }

    #[test]
    fn what_was_decided_by_one_look_is_written_over_nothing_that_came_after_it() {
        let patch = patch(&pending(), &Written::Pending("n".to_owned()), now());
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
    }

    #[test]
    fn without_roots_there_is_no_ca_at_all() {
        let issued = Written::Issued {
            certificate: "leaf\n".to_owned(),
            ca: String::new(),
            message: String::new(),
        };
        assert!(
            patch(&pending(), &issued, now())["status"]
                .get("ca")
                .is_none()
        );
    }

    #[test]
    fn every_end_without_a_certificate_has_a_failure_time_and_pending_has_none() {
        for end in [
            Written::Failed("x".to_owned()),
            Written::Denied("x".to_owned()),
            Written::Invalid("x".to_owned()),
        ] {
            let patch = patch(&pending(), &end, now());
            assert_eq!(
                patch["status"]["failureTime"], "2026-11-22T10:00:00Z",
                "{end:?}"
            );
        }
        let still = patch(&pending(), &Written::Pending("x".to_owned()), now());
        assert!(still["status"].get("failureTime").is_none());
    }

    #[test]
    fn an_invalid_request_is_failed_as_well_or_cert_manager_would_not_clean_it_up() {
        let patch = patch(&pending(), &Written::Invalid("bad".to_owned()), now());
        let conditions = patch["status"]["conditions"].as_array().unwrap();
        let said: Vec<_> = conditions
            .iter()
            .map(|c| (c["type"].as_str().unwrap(), c["status"].as_str().unwrap()))
            .collect();
        assert_eq!(said, [("Ready", "False"), ("InvalidRequest", "True")]);
    }

    #[test]
    fn the_time_of_the_transition_stays_while_the_status_does() {
        let again = patch(&pending(), &Written::Pending("other".to_owned()), now());
        let condition = &again["status"]["conditions"][0];
        assert_eq!(condition["lastTransitionTime"], "2026-11-22T09:00:00Z");
    }

    #[test]
    fn the_same_again_is_not_written_and_another_message_is_no_transition() {
        let (same, other) = (
            Written::Pending("m".to_owned()),
            Written::Pending("n".to_owned()),
        );
        assert!(same.stands_in(&pending()) && !other.stands_in(&pending()));
        assert!(!other.is_transition(&pending()));
        assert!(Written::Failed("m".to_owned()).is_transition(&pending()));
    }
}
