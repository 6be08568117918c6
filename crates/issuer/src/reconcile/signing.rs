use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};
use serde_json::json;

use super::{FIELD_MANAGER, Failed, is_past, later};
use crate::context::Context;
use crate::events::Said;
use crate::identity::IssuerId;
use crate::request::{Written, of_signing_request};
use crate::verdict::{Next, Verdict, verdict};
use crate::work::{self, Work};

/// One look at a Kubernetes CertificateSigningRequest whose signer name is one of ours.
///
/// It has no Pending condition and no place for roots: what keeps it waiting is said in Events, and the roots are in the issuer's ConfigMap.
///
/// # Errors
/// [`Failed`] when the API server did not take the outcome.
pub async fn reconcile(
    request: Arc<CertificateSigningRequest>,
    context: Arc<Context>,
) -> Result<Action, Failed> {
    let Some(issuer) = IssuerId::of_signer(&request.spec.signer_name) else {
        return Ok(Action::await_change());
    };
    let one = One {
        request: &request,
        context: &context,
        issuer: &issuer,
    };
    if one.is_to_be_answered() && context.issuers.watches(issuer.kind) {
        one.answer().await
    } else {
        context.attempts.forget(one.uid());
        Ok(Action::await_change())
    }
}

struct One<'a> {
    request: &'a CertificateSigningRequest,
    context: &'a Context,
    issuer: &'a IssuerId,
}

impl One<'_> {
    /// Approved, by anybody; not denied, not over.
    fn is_to_be_answered(&self) -> bool {
        let Some(status) = &self.request.status else {
            return false;
        };
        let is = |type_: &str| {
            let mut conditions = status.conditions.iter().flatten();
            conditions.any(|c| c.type_ == type_ && c.status == "True")
        };
        self.request.metadata.deletion_timestamp.is_none()
            && status.certificate.is_none()
            && is("Approved")
            && !is("Denied")
            && !is("Failed")
    }

    async fn answer(&self) -> Result<Action, Failed> {
        let settings = match self.context.issuers.ready(self.issuer) {
            Ok(settings) => settings,
            Err(not_ready) => {
                self.say(Said::warning("WaitingForIssuer", not_ready.to_string()));
                return Ok(Action::await_change());
            }
        };
        if !self.may_use_it().await? {
            let message = format!(
                "{} may not use {}: the verb `reference` on `signers` of `cert-manager.io` with the resource name `{}` is needed in its namespace",
                self.request.spec.username.as_deref().unwrap_or("nobody"),
                self.issuer,
                self.issuer.signer_name(),
            );
            return self.end(&Written::Failed(message), "Denied").await;
        }
        let wanted = match of_signing_request(self.request, &settings) {
            Ok(wanted) => wanted,
            Err(invalid) => {
                let written = Written::Invalid(invalid.to_string());
                return self.end(&written, "InvalidRequest").await;
            }
        };
        let work = Work {
            issuer: self.issuer,
            settings: &settings,
            namespace: self.request.spec.username.as_deref().unwrap_or_default(),
            uid: self.uid(),
            wanted: &wanted,
            replaces: None,
        };
        let outcome = match work::ask(self.context, &work).await {
            Ok(outcome) => outcome,
            Err(pause) => return Ok(later(pause)),
        };
        let since = self.request.metadata.creation_timestamp.as_ref();
        let since = since.map_or_else(Timestamp::now, |time| time.0);
        let Verdict {
            written,
            said,
            next,
        } = verdict(outcome, &settings, since, Timestamp::now());
        work::give_back(self.context, &work, &next).await;
        self.write(&written).await?;
        let first =
            !matches!(written, Written::Pending(_)) || self.context.attempts.is_first(self.uid());
        if let Some(said) = said.filter(|_| first) {
            self.say(said);
        }
        Ok(self.then(&next))
    }

    fn then(&self, next: &Next) -> Action {
        let attempts = &self.context.attempts;
        match next {
            Next::Nothing | Next::Revoke(_) => {
                attempts.forget(self.uid());
                Action::await_change()
            }
            Next::After(pause) => {
                attempts.failed(self.uid(), None);
                later(*pause)
            }
            Next::Retry { retry_after } => {
                self.context.doubt(self.issuer);
                later(attempts.failed(self.uid(), *retry_after))
            }
            Next::Doubt => {
                self.context.doubt(self.issuer);
                later(attempts.failed(self.uid(), None))
            }
        }
    }

    /// A namespace's issuer is its own: whoever made the request, which has no namespace, must be allowed to refer to it.
    async fn may_use_it(&self) -> Result<bool, Failed> {
        let Some(namespace) = &self.issuer.namespace else {
            return Ok(true);
        };
        let spec = &self.request.spec;
        let extra: Option<BTreeMap<_, _>> = spec.extra.clone();
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: spec.username.clone(),
                groups: spec.groups.clone(),
                uid: spec.uid.clone(),
                extra,
                resource_attributes: Some(ResourceAttributes {
                    group: Some("cert-manager.io".to_owned()),
                    resource: Some("signers".to_owned()),
                    verb: Some("reference".to_owned()),
                    namespace: Some(namespace.clone()),
                    name: Some(self.issuer.signer_name()),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(self.context.kube.clone());
        let answer = api.create(&PostParams::default(), &review).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    async fn end(&self, written: &Written, reason: &'static str) -> Result<Action, Failed> {
        self.write(written).await?;
        self.say(Said::warning(reason, written.message().to_owned()));
        Ok(Action::await_change())
    }

    async fn write(&self, written: &Written) -> Result<(), Failed> {
        let status = match written {
            Written::Pending(_) => return Ok(()),
            Written::Issued { certificate, .. } => {
                json!({ "certificate": k8s_openapi::ByteString(certificate.clone().into_bytes()) })
            }
            Written::Failed(message) | Written::Denied(message) | Written::Invalid(message) => {
                json!({ "conditions": [{
                    "type": "Failed", "status": "True", "reason": written.ready().1, "message": message,
                }] })
            }
        };
        let body = json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {
                "name": self.request.name_any(),
                "uid": self.request.metadata.uid,
                "resourceVersion": self.request.metadata.resource_version,
            },
            "status": status,
        });
        let api: Api<CertificateSigningRequest> = Api::all(self.context.kube.clone());
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let name = self.request.name_any();
        match api.patch_status(&name, &params, &Patch::Apply(&body)).await {
            Ok(_) => {
                let reason = written.ready().1;
                self.context.metrics.written(self.issuer, reason);
                Ok(())
            }
            Err(error) if is_past(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn say(&self, said: Said) {
        let about = ObjectReference {
            api_version: Some(CertificateSigningRequest::api_version(&()).into_owned()),
            kind: Some(CertificateSigningRequest::kind(&()).into_owned()),
            ..self.request.object_ref(&())
        };
        self.context.events.say(about, "Enroll", said);
    }

    fn uid(&self) -> &str {
        self.request.metadata.uid.as_deref().unwrap_or_default()
    }
}
