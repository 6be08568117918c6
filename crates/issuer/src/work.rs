//! One request of an issuer at its RA: a place, a client, the call, the count.

use std::time::{Duration, Instant};

use api::v2::{RevocationReason, RevokeRequest, RevokeTarget};

use crate::context::Context;
use crate::enroll::{Outcome, enroll};
use crate::identity::IssuerId;
use crate::ra::NoWay;
use crate::request::Wanted;
use crate::settings::Settings;
use crate::trouble::Trouble;
use crate::verdict::Next;
use api::client::with_causes;

/// What is to be done.
pub struct Work<'a> {
    /// For which issuer.
    pub issuer: &'a IssuerId,
    /// Its settings.
    pub settings: &'a Settings,
    /// Whose request it is, for a fair share.
    pub namespace: &'a str,
    /// Which request.
    pub uid: &'a str,
    /// What it asks for.
    pub wanted: &'a Wanted,
    /// Which certificate (PEM) it replaces.
    pub replaces: Option<&'a str>,
}

/// Asks the RA.
///
/// # Errors
/// Too many ask for this issuer: how long to stay away. Nothing was asked.
pub async fn ask(context: &Context, work: &Work<'_>) -> Result<Outcome, Duration> {
    let Work {
        issuer,
        settings,
        namespace,
        uid,
        wanted,
        replaces,
    } = work;
    let limits = &settings.limits;
    let _place = context.gates.enter(issuer, namespace, limits).await?;
    let begun = Instant::now();
    let outcome = match context.ra.client(issuer, settings).await {
        Ok(client) => {
            let _asking = context.metrics.asking(issuer);
            let mode = settings.trust.mode;
            enroll(&client, uid, wanted, *replaces, mode, &context.known).await
        }
        Err(NoWay::Material(why)) => Outcome::Trouble(Trouble::Issuer(why)),
        Err(error @ NoWay::Kubernetes { .. }) => Outcome::Trouble(Trouble::Passing {
            message: error.to_string(),
            retry_after: None,
        }),
    };
    let seconds = begun.elapsed().as_secs_f64();
    context.metrics.asked(issuer, word(&outcome), seconds);
    Ok(outcome)
}

/// Has a certificate revoked that nobody will use. It is done once at most, and a failure is for the log: the request has failed anyway.
pub async fn give_back(context: &Context, work: &Work<'_>, next: &Next) {
    let Next::Revoke(certificate) = next else {
        return;
    };
    let revoked = async {
        let client = context
            .ra
            .client(work.issuer, work.settings)
            .await
            .map_err(|e| e.to_string())?;
        let key = format!("{}.back", work.uid)
            .parse()
            .map_err(|e| format!("{e}"))?;
        let request = RevokeRequest {
            target: RevokeTarget::Certificate(certificate.clone()),
            reason: RevocationReason::CessationOfOperation,
        };
        let answer = client.revoke(&work.wanted.ca, &request, &key).await;
        answer.map(|_| ()).map_err(|e| with_causes(&e))
    };
    if let Err(error) = revoked.await {
        tracing::warn!(
            issuer = %work.issuer, uid = work.uid, error,
            "a certificate that is not what was asked for could not be revoked"
        );
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Issued { .. } => "issued",
        Outcome::Waiting { .. } => "waiting",
        Outcome::Trouble(trouble) => match trouble {
            Trouble::Passing { .. } => "retry",
            Trouble::Final(_) | Trouble::Replaced(_) => "failed",
            Trouble::Invalid(_) => "invalid",
            Trouble::Issuer(_) => "parked",
        },
    }
}
