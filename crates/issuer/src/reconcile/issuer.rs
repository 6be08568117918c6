use std::sync::Arc;

use api::client::Client as RaClient;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use pki::{Certificate, KnownCas};
use serde_json::json;

use super::{FIELD_MANAGER, Failed, is_past, later, publish};
use crate::answer;
use crate::context::Context;
use crate::events::Said;
use crate::identity::IssuerId;
use crate::issuers::{Configured, ready_now};
use crate::kinds::{IssuerStatus, READY};
use crate::ra::NoWay;
use crate::settings::Settings;
use api::client::with_causes;

/// One look at an issuer: its Secrets, its RA and the CA behind it, the roots; `Ready` says how that went. What it is about is written when it changes, and the
/// requests of an issuer that turned are looked at when the watch has shown us that everybody can see it.
///
/// # Errors
/// [`Failed`] when the API server did not take the status.
pub async fn reconcile<K: Configured>(
    issuer: Arc<K>,
    context: Arc<Context>,
) -> Result<Action, Failed> {
    let id = issuer.id();
    if issuer.meta().deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let is_ready = ready_now(issuer.as_ref()).is_some_and(|ready| ready.status == "True");
    if context.checks.turned(&id, is_ready) {
        context.turns.tell(&id);
    }
    let generation = issuer.meta().generation;
    let pause = context.checks.due_in(&id, generation);
    if !pause.is_zero() {
        return Ok(later(pause));
    }
    let found = match issuer.settings() {
        Ok(settings) => check(&context, issuer.as_ref(), &id, &settings).await,
        Err(error) => Err(Unready {
            reason: "InvalidSpec",
            message: error.to_string(),
        }),
    };
    let condition = condition(issuer.as_ref(), &found, Timestamp::now());
    let reason = found
        .as_ref()
        .map_or_else(|unready| unready.reason, |_| CHECKED);
    write(issuer.as_ref(), &condition, reason, &context).await?;
    context.metrics.checked(&id, found.is_ok());
    Ok(later(context.checks.done(&id, generation, found.is_ok())))
}

/// The reason of `Ready` while all is well.
const CHECKED: &str = "Checked";

struct Unready {
    reason: &'static str,
    message: String,
}

/// A whole way round: Secrets, RA, CA, roots.
async fn check<K: Configured>(
    context: &Context,
    issuer: &K,
    id: &IssuerId,
    settings: &Settings,
) -> Result<String, Unready> {
    let client = context
        .ra
        .refreshed(id, settings)
        .await
        .map_err(|error| Unready {
            reason: match error {
                NoWay::Material(_) => "SecretError",
                NoWay::Kubernetes { .. } => "ApiServerError",
            },
            message: error.to_string(),
        })?;
    let roots = roots(&client, settings, &context.known).await?;
    client.health(&settings.ca).await.map_err(|error| Unready {
        reason: "CAUnavailable",
        message: format!("the CA behind the RA: {}", with_causes(&error)),
    })?;
    let now = Timestamp::now();
    let first = roots.iter().find(|root| root.not_after() >= now);
    let roots = answer::in_order(first, &roots, now);
    context.metrics.trusts(id, roots.len());
    let namespace = context.ra.namespace_of(id);
    publish::publish(&context.kube, issuer, namespace, settings, &roots)
        .await
        .map_err(|message| Unready {
            reason: "TrustNotPublished",
            message,
        })?;
    Ok(sentence(&roots))
}

/// What `Ready` says while all is well.
fn sentence(roots: &[Certificate]) -> String {
    let mut sentence = match roots.len() {
        1 => "RA and CA answer; 1 root is trusted".to_owned(),
        several => format!("RA and CA answer; {several} roots are trusted"),
    };
    if let Some(subject) = answer::twins(roots) {
        sentence.push_str(&format!(
            ", several of them named `{subject}`: a PKCS#12 truststore that cert-manager makes shows one of those to Java, spec.trust.truststores all"
        ));
    }
    sentence
}

async fn roots(
    client: &RaClient,
    settings: &Settings,
    known: &KnownCas,
) -> Result<Vec<Certificate>, Unready> {
    let unready = |reason, message| Unready { reason, message };
    let trust = client.trust(&settings.ca).await.map_err(|error| {
        let reason = match error.slug() {
            Some(api::ProblemSlug::Unauthenticated | api::ProblemSlug::NotAuthorized) => {
                "NotAuthorized"
            }
            Some(api::ProblemSlug::UnknownCa) => "UnknownCA",
            _ => "RAUnavailable",
        };
        unready(reason, format!("the RA: {}", with_causes(&error)))
    })?;
    let texts: Vec<String> = trust
        .body
        .roots
        .into_iter()
        .map(|r| r.certificate)
        .collect();
    answer::all("roots", &texts, known).map_err(|e| unready("BadAnswer", e.to_string()))
}

fn condition<K: Configured>(
    issuer: &K,
    found: &Result<String, Unready>,
    now: Timestamp,
) -> Condition {
    let (status, reason, message) = match found {
        Ok(message) => ("True", CHECKED, message.clone()),
        Err(unready) => ("False", unready.reason, unready.message.clone()),
    };
    let message = message.split(" (correlation id").next().unwrap_or_default();
    let before = issuer.status().and_then(IssuerStatus::ready);
    let since = before
        .filter(|before| before.status == status)
        .map_or(now, |before| before.last_transition_time.0);
    Condition {
        type_: READY.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: issuer.meta().generation,
        last_transition_time: Time(since),
    }
}

async fn write<K: Configured>(
    issuer: &K,
    condition: &Condition,
    reason: &'static str,
    context: &Context,
) -> Result<(), Failed> {
    let before = issuer.status().and_then(IssuerStatus::ready);
    if before == Some(condition) {
        return Ok(());
    }
    let body = json!({
        "apiVersion": K::api_version(&()), "kind": K::kind(&()),
        // Another issuer of the same name is none of ours.
        "metadata": { "name": issuer.name_any(), "namespace": issuer.namespace(), "uid": issuer.uid() },
        "status": { "conditions": [condition] },
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let (name, api) = (issuer.name_any(), issuer.place(context.kube.clone()));
    let written = match api.patch_status(&name, &params, &Patch::Apply(&body)).await {
        // ONAP's own definition has no status subresource: there the status is a field like another. Nor does it know observedGeneration, which an apply is
        // refused for and a merge leaves out.
        Err(kube::Error::Api(status)) if status.code == 404 => {
            api.patch(&name, &PatchParams::default(), &Patch::Merge(&body))
                .await
        }
        other => other,
    };
    match written {
        Ok(_) => {}
        Err(error) if is_past(&error) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let turned =
        before.is_none_or(|b| (&b.status, &b.reason) != (&condition.status, &condition.reason));
    if turned {
        let said = Said {
            warning: condition.status != "True",
            reason,
            note: condition.message.clone(),
        };
        let about = issuer.id().reference(issuer.uid());
        context.events.say(about, "Check", said);
    }
    Ok(())
}
