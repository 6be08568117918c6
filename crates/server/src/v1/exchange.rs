//! One call through the line. v1 cannot say "ask again", so the call is held while the CA makes us wait.

use std::sync::Arc;
use std::time::Duration;

use api::v1::CertificationResponseModel;
use axum::http::StatusCode;
use jiff::SignedDuration;
use ra::{Correlation, Error, Issued, Label, Outcome, Requester, SentAs};
use tokio::time::{Instant, sleep};

use super::Failure;
use super::request::Parsed;
use crate::Site;
use crate::drain::{self, Drain, Failed};
use crate::held;

/// The first pause between looks that ask the CA.
const SOONEST: Duration = Duration::from_millis(100);
/// For how long a call is held while nothing of the CA can be understood or believed: a lost answer is soon asked for again, and a CA that
/// sends rubbish will go on doing so.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn run(
    site: &Site,
    drain: &Drain,
    who: Requester,
    ca: &str,
    parsed: &Parsed,
    correlation: Option<&Correlation>,
) -> Result<CertificationResponseModel, Failure> {
    if !site.configured {
        let message = "The configuration could not be loaded";
        return Err(
            Failure::framework(StatusCode::INTERNAL_SERVER_ERROR, message)
                .because("see /ready and the log"),
        );
    }
    let label = Label::new(ca);
    if !site.ra.labels.contains_key(&label) {
        return Err(Failure::no_ca());
    }
    announce(parsed)?;
    let begun = Instant::now();
    let deadline = begun + site.v1.hold;
    let replay = SignedDuration::try_from(site.v1.replay).unwrap_or(SignedDuration::ZERO);
    // Only the old key's holder can move a key update; every other row is moved by the sweeper as well.
    let moved_by_us = parsed.old.as_ref().is_some_and(|old| old.same_names);
    let key = parsed.key(&who, &label, replay);
    let mut outcome = enroll(
        site,
        drain,
        &who,
        parsed.request(&key, &label, correlation.cloned()),
        ca,
    )
    .await?;
    let mut own_pause = SOONEST;
    loop {
        let check_after = match outcome {
            Outcome::Issued(issued) => {
                say_for_own_ca(&issued, parsed);
                return Ok(model(&issued));
            }
            Outcome::Refused { refusal, .. } => return Err(Failure::refused(&refusal)),
            Outcome::Revoked(_) => {
                return Err(Failure::client("the CA answered with a revocation"));
            }
            Outcome::Waiting { entry, check_after } => {
                if begun.elapsed() >= PATIENCE.min(site.v1.hold)
                    && let Some(why) = held::trouble(&site.ra, &entry.authority).await
                {
                    return Err(not_understood(ca, &why, check_after));
                }
                check_after
            }
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(undecided(site.v1.hold, check_after));
        }
        let pause = if moved_by_us {
            // Each look asks the CA: ever more seldom.
            own_pause = (own_pause * 2).min(PATIENCE);
            own_pause
        } else {
            held::pause(check_after)
        };
        tokio::select! {
            () = sleep(pause.min(left)) => {}
            () = drain.given_up() => return Err(given_up()),
        }
        outcome = if moved_by_us {
            enroll(
                site,
                drain,
                &who,
                parsed.request(&key, &label, correlation.cloned()),
                ca,
            )
            .await?
        } else {
            let recalled = site
                .ra
                .recall(&who, &key.id())
                .await
                .map_err(|e| failed(&e, ca))?;
            recalled.ok_or_else(|| Failure::client("the request is no longer known"))?
        };
    }
}

/// In a task of its own: a client that goes away does not stop it half-way.
async fn enroll(
    site: &Site,
    drain: &Drain,
    who: &Requester,
    request: ra::EnrollRequest,
    ca: &str,
) -> Result<Outcome, Failure> {
    let mut work = drain.start(Arc::clone(&site.ra).enroll(who.clone(), request));
    match held::end(&mut work).await {
        Ok(outcome) => Ok(outcome),
        Err(Failed::Line(e)) => Err(failed(&e, ca)),
        Err(Failed::Ended(e)) => {
            let failure = Failure::framework(StatusCode::INTERNAL_SERVER_ERROR, "Unexpected error");
            Err(failure.caused_by(e))
        }
        Err(Failed::GivenUp) => Err(given_up()),
    }
}

const KEY_UPDATE: &str = "Certificate Signing Request and Old Certificate have the same parameters. Preparing Key Update Request";
const CERTIFICATION: &str = "Certificate Signing Request and Old Certificate have different parameters. Preparing Certification Request";

/// What can be said before the CA is asked.
fn announce(parsed: &Parsed) -> Result<(), Failure> {
    tracing::debug!(csr = %parsed.csr.to_pem(), "certificate signing request");
    let Some(old) = &parsed.old else {
        return Ok(());
    };
    tracing::debug!(certificate = %old.certificate.to_pem(), "old certificate");
    if old.same_names && !old.key_fits() {
        // Nobody is asked, so nobody else says it.
        tracing::info!("{KEY_UPDATE}");
        return Err(Failure::client(
            "the old private key (OLD_PK) does not belong to the old certificate (OLD_CERT)",
        ));
    }
    Ok(())
}

/// The sentences that ONAP's tests look for, where no CMP message goes out or comes in: `authority::cmp` says them of its own.
fn say_for_own_ca(issued: &Issued, parsed: &Parsed) {
    if issued.sent_as != SentAs::Local {
        return;
    }
    let kind = match &parsed.old {
        None => "INIT_REP",
        Some(old) if old.same_names => {
            tracing::info!("{KEY_UPDATE}");
            "KEY_UPDATE_REP"
        }
        Some(_) => {
            tracing::info!("{CERTIFICATION}");
            "CERT_REP"
        }
    };
    tracing::info!(entry = %issued.entry.id, "Received response from Server");
    tracing::info!(entry = %issued.entry.id, "Response type is: {kind}");
}

fn model(issued: &Issued) -> CertificationResponseModel {
    CertificationResponseModel {
        certificate_chain: issued.chain.iter().map(pki::Certificate::to_pem).collect(),
        trusted_certificates: issued
            .anchors
            .iter()
            .map(pki::Certificate::to_pem)
            .collect(),
    }
}

fn not_understood(ca: &str, why: &str, check_after: SignedDuration) -> Failure {
    Failure::client(format!("no answer of CA {ca} that can be believed"))
        .because(format!(
            "{why}; it is asked again by itself; send the same request again later for the certificate"
        ))
        .retry_after(check_after)
}

fn undecided(held: Duration, check_after: SignedDuration) -> Failure {
    let message = format!("the CA has not decided within {} s", held.as_secs());
    let mut failure = Failure::client(message)
        .because("send the same request again: it is then answered, not repeated");
    failure.set_status(StatusCode::SERVICE_UNAVAILABLE);
    failure.retry_after(check_after)
}

/// CertService has 500 for it. Where it is known when to come back, the status is the one that goes with Retry-After.
fn unavailable(ca: &str, retry_after: Option<SignedDuration>) -> Failure {
    let mut failure = Failure::client(format!("IOException error while trying to connect CA {ca}"));
    match retry_after {
        None => failure,
        Some(span) => {
            failure.set_status(StatusCode::SERVICE_UNAVAILABLE);
            failure
                .because("nothing was begun; send the same request again later")
                .retry_after(span)
        }
    }
}

/// The process ends; the journal has what was begun.
fn given_up() -> Failure {
    Failure::framework(
        StatusCode::SERVICE_UNAVAILABLE,
        "The service is being stopped",
    )
    .because("send the same request again: it is then answered, not repeated")
    .retry_after(SignedDuration::from_secs(drain::RETRY_AFTER.into()))
}

fn failed(error: &Error, ca: &str) -> Failure {
    let framework = Failure::framework;
    let failure = match error {
        Error::Unavailable { retry_after, .. } => unavailable(ca, *retry_after),
        Error::Journal(_) => framework(
            StatusCode::SERVICE_UNAVAILABLE,
            "The journal is not available",
        )
        .retry_after(SignedDuration::from_secs(5)),
        Error::NoAuthority(_) | Error::NoProfile(_) => framework(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The configuration of this CA is incomplete",
        ),
        Error::NoChain { .. } => {
            Failure::client("Something was wrong with the supplied certificate")
        }
    };
    failure.caused_by(error)
}
