use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, Resource, ResourceExt};

use super::keystores::warn_of_lost_roots;
use super::{FIELD_MANAGER, Failed, age, is_past, later, renewal};
use crate::cert_manager::CertificateRequest;
use crate::context::Context;
use crate::enroll::Outcome;
use crate::events::Said;
use crate::identity::IssuerId;
use crate::renewals::Replaced;
use crate::request::{Standing, Written, of_certificate_request, patch, standing};
use crate::settings::Settings;
use crate::verdict::{Next, Verdict, verdict};
use crate::work::{self, Work};

/// How long cert-manager's approver is given before somebody is told that nothing happens.
const APPROVAL: Duration = Duration::from_secs(30);

/// One look at a CertificateRequest.
///
/// # Errors
/// [`Failed`] when the API server did not take the outcome; the RA keeps it under the request's UID until it does.
pub async fn reconcile(
    request: Arc<CertificateRequest>,
    context: Arc<Context>,
) -> Result<Action, Failed> {
    let request = One {
        request: &request,
        context: &context,
    };
    let watched = |issuer: &IssuerId| context.issuers.watches(issuer.kind);
    match standing(request.request, context.approval) {
        Standing::Denied(issuer) if watched(&issuer) => {
            let message = "The CertificateRequest was denied by an approver".to_owned();
            request
                .end(&issuer, Written::Denied(message), "Denied")
                .await
        }
        Standing::Unapproved { issuer, since } if watched(&issuer) => {
            Ok(request.unapproved(&issuer, since))
        }
        Standing::Approved(issuer) if watched(&issuer) => request.answer(&issuer).await,
        _ => {
            context.over(request.uid());
            Ok(Action::await_change())
        }
    }
}

struct One<'a> {
    request: &'a CertificateRequest,
    context: &'a Context,
}

impl One<'_> {
    /// Nobody has approved it. Whose fault that mostly is, is said once.
    fn unapproved(&self, issuer: &IssuerId, since: Option<Timestamp>) -> Action {
        let waited = since.map_or(APPROVAL, age);
        if waited < APPROVAL {
            return later(APPROVAL.saturating_sub(waited));
        }
        // An hour later it is the same, and whoever starts us then need not hear of it again.
        if waited < 4 * APPROVAL {
            let signer = issuer.signer_name();
            let note = format!(
                "nobody approved this request for {} s. cert-manager approves it when a ClusterRole allows its ServiceAccount the verb `approve` on \
                 `signers` of `cert-manager.io` with the resource name `{}.{}/*` or `{signer}`; the chart has it (approval.enabled). Or: cmctl approve {}",
                waited.as_secs(),
                issuer.kind.plural(),
                issuer.kind.group(),
                self.request.name_any(),
            );
            self.say(Said::warning("WaitingForApproval", note));
        }
        Action::await_change()
    }

    async fn answer(&self, issuer: &IssuerId) -> Result<Action, Failed> {
        let settings = match self.context.issuers.ready(issuer) {
            Ok(settings) => settings,
            Err(not_ready) => {
                let written = Written::Pending(not_ready.to_string());
                self.write(issuer, &written, Some("WaitingForIssuer"))
                    .await?;
                return Ok(Action::await_change());
            }
        };
        let wanted = match of_certificate_request(self.request, &settings) {
            Ok(wanted) => wanted,
            Err(invalid) => {
                let written = Written::Invalid(invalid.to_string());
                return self.end(issuer, written, "InvalidRequest").await;
            }
        };
        let (replaces, not_replaced) = match self.replaced(&settings).await? {
            Ok(replaces) => (replaces, None),
            Err(why) => (None, Some(why)),
        };
        let work = Work {
            issuer,
            settings: &settings,
            namespace: self.namespace(),
            uid: self.uid(),
            wanted: &wanted,
            replaces: replaces.as_deref(),
        };
        let mut outcome = match work::ask(self.context, &work).await {
            Ok(outcome) => outcome,
            Err(pause) => return Ok(later(pause)),
        };
        if let Outcome::Issued {
            not_replaced: slot @ None,
            ..
        } = &mut outcome
        {
            *slot = not_replaced;
        }
        let Verdict {
            written,
            said,
            next,
        } = verdict(outcome, &settings, self.since(), Timestamp::now());
        if matches!(next, Next::Revoke(_)) {
            work::give_back(self.context, &work, &next).await;
        }
        let transition = written.is_transition(self.request);
        self.write(issuer, &written, None).await?;
        if let Some(said) = said.filter(|_| transition) {
            self.say(said);
        }
        if let Written::Issued { ca, .. } = &written {
            warn_of_lost_roots(self.context, self.request, ca).await;
        }
        Ok(self.then(issuer, &next))
    }

    fn then(&self, issuer: &IssuerId, next: &Next) -> Action {
        match next {
            Next::Nothing | Next::Revoke(_) => {
                self.context.over(self.uid());
                Action::await_change()
            }
            Next::After(pause) => later(*pause),
            Next::Retry { retry_after } => {
                self.context.doubt(issuer);
                later(self.context.attempts.failed(self.uid(), *retry_after))
            }
            Next::Doubt => {
                self.context.doubt(issuer);
                later(self.context.attempts.failed(self.uid(), None))
            }
        }
    }

    async fn replaced(&self, settings: &Settings) -> Result<Replaced, Failed> {
        if !settings.key_update {
            return Ok(Ok(None));
        }
        if let Some(known) = self.context.renewals.known(self.uid()) {
            return Ok(known);
        }
        let found = renewal::replaced(&self.context.kube, self.request).await?;
        self.context.renewals.keep(self.uid(), &found);
        Ok(found)
    }

    async fn end(
        &self,
        issuer: &IssuerId,
        written: Written,
        reason: &'static str,
    ) -> Result<Action, Failed> {
        self.write(issuer, &written, Some(reason)).await?;
        self.context.over(self.uid());
        Ok(Action::await_change())
    }

    /// One patch, and an Event with this reason where `Ready` has another one than before.
    async fn write(
        &self,
        issuer: &IssuerId,
        written: &Written,
        reason: Option<&'static str>,
    ) -> Result<(), Failed> {
        if written.stands_in(self.request) {
            return Ok(());
        }
        let body = patch(self.request, written, Timestamp::now());
        let api: Api<CertificateRequest> =
            Api::namespaced(self.context.kube.clone(), self.namespace());
        let params = PatchParams::apply(FIELD_MANAGER).force();
        match api
            .patch_status(&self.request.name_any(), &params, &Patch::Apply(&body))
            .await
        {
            Ok(_) => {}
            Err(error) if is_past(&error) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        self.context.metrics.written(issuer, written.ready().1);
        if let Some(reason) = reason.filter(|_| written.is_transition(self.request)) {
            self.say(Said::warning(reason, written.message()));
        }
        Ok(())
    }

    fn say(&self, said: Said) {
        let about = ObjectReference {
            api_version: Some(CertificateRequest::api_version(&()).into_owned()),
            kind: Some(CertificateRequest::kind(&()).into_owned()),
            ..self.request.object_ref(&())
        };
        self.context.events.say(about, "Enroll", said);
    }

    /// Since when an answer is owed: the approval, or the creation where no approval is waited for.
    fn since(&self) -> Timestamp {
        let mut conditions = self.request.status.iter().flat_map(|s| &s.conditions);
        let approved = conditions
            .find(|c| c.type_ == "Approved")
            .and_then(|c| c.last_transition_time.as_ref());
        let created = self.request.metadata.creation_timestamp.as_ref();
        approved
            .or(created)
            .map_or_else(Timestamp::now, |time| time.0)
    }

    fn uid(&self) -> &str {
        self.request.metadata.uid.as_deref().unwrap_or_default()
    }

    fn namespace(&self) -> &str {
        self.request
            .metadata
            .namespace
            .as_deref()
            .unwrap_or_default()
    }
}
