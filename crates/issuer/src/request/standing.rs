use jiff::Timestamp;

use crate::cert_manager::{CertificateRequest, CertificateRequestStatus};
use crate::identity::{IssuerId, IssuerKind};

/// Where a CertificateRequest stands. The order in which it is judged is the contract's: what is over is over, a denial counts before an approval, and nothing is
/// done for a request that nobody approved.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Another controller's, being deleted, or over: nothing is ours to do.
    Leave,
    /// Denied, and nobody has said so in `Ready` yet.
    Denied(IssuerId),
    /// Not approved yet, and since when it waits for that.
    Unapproved {
        /// Whose it is.
        issuer: IssuerId,
        /// When it was created.
        since: Option<Timestamp>,
    },
    /// To be answered.
    Approved(IssuerId),
}

/// Judges a request by its object alone. `ignore_approval` is for installations that came from a provider which did not look at it; a denial always counts.
#[must_use]
pub fn standing(request: &CertificateRequest, approval: Approval) -> Standing {
    if request.metadata.deletion_timestamp.is_some() {
        return Standing::Leave;
    }
    let reference = &request.spec.issuer_ref;
    let (Some(kind), Some(namespace)) = (
        IssuerKind::of(&reference.group, &reference.kind),
        request.metadata.namespace.as_deref(),
    ) else {
        return Standing::Leave;
    };
    let issuer = IssuerId::seen_from(namespace, kind, &reference.name);
    let none = CertificateRequestStatus::default();
    let status = request.status.as_ref().unwrap_or(&none);
    let is = |type_: &str| {
        let mut conditions = status.conditions.iter();
        conditions.any(|c| c.type_ == type_ && c.status == "True")
    };
    if is_over(status) {
        Standing::Leave
    } else if is("Denied") {
        Standing::Denied(issuer)
    } else if is("InvalidRequest") {
        Standing::Leave
    } else if is("Approved") || approval == Approval::Ignored {
        Standing::Approved(issuer)
    } else {
        let since = request.metadata.creation_timestamp.as_ref();
        Standing::Unapproved {
            issuer,
            since: since.map(|time| time.0),
        }
    }
}

/// Whether an approval is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// As cert-manager has it.
    Required,
    /// Every request that is not denied counts as approved.
    Ignored,
}

/// Takes from an object that is kept in memory what nobody reads any more: who wrote which field, and of a request that is over or another's all that is large.
pub fn slim(request: &mut CertificateRequest) {
    request.metadata.managed_fields = None;
    let reference = &request.spec.issuer_ref;
    let is_ours = IssuerKind::of(&reference.group, &reference.kind).is_some();
    if is_ours && !request.status.as_ref().is_some_and(has_ended) {
        return;
    }
    request.metadata.annotations = None;
    request.metadata.labels = None;
    request.spec.request = String::new();
    if let Some(status) = &mut request.status {
        status.certificate = None;
        status.ca = None;
        if !is_ours {
            status.conditions = Vec::new();
        }
    }
}

fn is_over(status: &CertificateRequestStatus) -> bool {
    has_ended(status) || status.certificate.as_ref().is_some_and(|c| !c.is_empty())
}

/// As `Ready` has it.
fn has_ended(status: &CertificateRequestStatus) -> bool {
    let ready = status.conditions.iter().find(|c| c.type_ == "Ready");
    ready.is_some_and(|ready| {
        ready.status == "True"
            || (ready.status == "False"
                && matches!(ready.reason.as_deref(), Some("Failed" | "Denied")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(issuer: (&str, &str), status: &serde_json::Value) -> CertificateRequest {
        serde_json::from_value(json!({
            "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
            "metadata": { "name": "web-1", "namespace": "web", "uid": "u", "creationTimestamp": "2026-11-22T10:00:00Z" },
            "spec": { "issuerRef": { "group": issuer.0, "kind": issuer.1, "name": "company" }, "request": "" },
            "status": status,
        }))
        .unwrap()
    }

    fn ours(conditions: &[(&str, &str, &str)]) -> CertificateRequest {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|(type_, status, reason)| json!({ "type": type_, "status": status, "reason": reason }))
            .collect();
        request(
            ("certway.dev", "Issuer"),
            &json!({ "conditions": conditions }),
        )
    }

    fn judged(request: &CertificateRequest) -> Standing {
        standing(request, Approval::Required)
    }

    const APPROVED: (&str, &str, &str) = ("Approved", "True", "cert-manager.io");
    const DENIED: (&str, &str, &str) = ("Denied", "True", "Policy");

    #[test]
    fn a_request_of_another_group_or_kind_is_left_alone_even_when_approved() {
        let status = json!({ "conditions": [{ "type": "Approved", "status": "True" }] });
        for reference in [
            ("", "Issuer"),
            ("cert-manager.io", "Issuer"),
            ("certway.dev", ""),
            ("certway.dev", "CMPv2Issuer"),
            ("certmanager.onap.org", "Issuer"),
        ] {
            assert_eq!(
                judged(&request(reference, &status)),
                Standing::Leave,
                "{reference:?}"
            );
        }
    }

    #[test]
    fn an_approved_request_is_answered() {
        assert!(
            matches!(judged(&ours(&[APPROVED])), Standing::Approved(id) if id.name == "company")
        );
    }

    #[test]
    fn pending_is_not_over() {
        for reason in ["Pending", "Initializing", ""] {
            let found = judged(&ours(&[APPROVED, ("Ready", "False", reason)]));
            assert!(matches!(found, Standing::Approved(_)), "{reason}");
        }
        let unknown = judged(&ours(&[APPROVED, ("Ready", "Unknown", "Initializing")]));
        assert!(matches!(unknown, Standing::Approved(_)));
    }

    #[test]
    fn what_is_over_is_left_alone_whatever_else_is_said() {
        for ready in [
            ("Ready", "True", "Issued"),
            ("Ready", "False", "Failed"),
            ("Ready", "False", "Denied"),
        ] {
            for other in [APPROVED, DENIED] {
                assert_eq!(judged(&ours(&[other, ready])), Standing::Leave, "{ready:?}");
            }
        }
        let issued = json!({ "certificate": "LS0t", "conditions": [{ "type": "Approved", "status": "True" }] });
        assert_eq!(
            judged(&request(("certway.dev", "ClusterIssuer"), &issued)),
            Standing::Leave
        );
    }

    #[test]
    fn a_denial_counts_without_and_before_an_approval() {
        for conditions in [&[DENIED][..], &[APPROVED, DENIED]] {
            assert!(matches!(judged(&ours(conditions)), Standing::Denied(_)));
            let ignoring = standing(&ours(conditions), Approval::Ignored);
            assert!(matches!(ignoring, Standing::Denied(_)));
        }
    }

    #[test]
    fn an_invalid_request_is_left_alone_unless_it_was_denied() {
        let invalid = ("InvalidRequest", "True", "x");
        assert_eq!(judged(&ours(&[APPROVED, invalid])), Standing::Leave);
        assert!(matches!(
            judged(&ours(&[invalid, DENIED])),
            Standing::Denied(_)
        ));
    }

    #[test]
    fn nobody_approved_it_so_it_waits_from_its_creation_on() {
        for conditions in [&[][..], &[("Approved", "False", "")]] {
            let Standing::Unapproved { since, .. } = judged(&ours(conditions)) else {
                panic!()
            };
            assert_eq!(since, Some("2026-11-22T10:00:00Z".parse().unwrap()));
            let ignoring = standing(&ours(conditions), Approval::Ignored);
            assert!(matches!(ignoring, Standing::Approved(_)));
        }
    }

    #[test]
    fn a_request_that_is_being_deleted_is_left_alone() {
        let mut request = ours(&[APPROVED]);
        request.metadata.deletion_timestamp = request.metadata.creation_timestamp.clone();
        assert_eq!(judged(&request), Standing::Leave);
    }

    #[test]
    fn a_cluster_issuer_has_no_namespace() {
        let status = json!({ "conditions": [{ "type": "Approved", "status": "True" }] });
        let found = judged(&request(("certway.dev", "ClusterIssuer"), &status));
        let Standing::Approved(id) = found else {
            panic!()
        };
        assert_eq!(id.namespace, None);
    }

    #[test]
    fn what_is_kept_of_a_request_that_is_over_or_anothers_is_little_and_says_the_same() {
        let mut over = ours(&[APPROVED, ("Ready", "True", "Issued")]);
        over.spec.request = "LS0t".to_owned();
        let mut other = request(("cert-manager.io", "Issuer"), &json!({}));
        other.spec.request = "LS0t".to_owned();
        for mut one in [over, other] {
            slim(&mut one);
            assert_eq!(one.spec.request, "");
            assert_eq!(judged(&one), Standing::Leave);
        }
        let mut open = ours(&[APPROVED]);
        open.spec.request = "LS0t".to_owned();
        slim(&mut open);
        assert_eq!(open.spec.request, "LS0t");
    }
}
