//! What an outcome means for the request: what is written, what is said, what comes next. Pure.

use std::time::Duration;

use api::v2::{Change, RequestKind};
use jiff::Timestamp;

use crate::answer::Sound;
use crate::enroll::Outcome;
use crate::events::Said;
use crate::kinds::Modifications;
use crate::request::Written;
use crate::settings::Settings;
use crate::trouble::Trouble;

/// What follows.
#[derive(Debug)]
pub struct Verdict {
    /// The status.
    pub written: Written,
    /// An Event, where the status is another one than before.
    pub said: Option<Said>,
    /// What comes next.
    pub next: Next,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is over.
    Nothing,
    /// It is over, and this certificate (PEM) is to be revoked.
    Revoke(String),
    /// The CA said when.
    After(Duration),
    /// The issuer is checked, and again after a pause that grows, not shorter than this; or when the issuer, found not ready, is.
    Retry {
        /// How long the RA asks us to stay away.
        retry_after: Option<Duration>,
    },
    /// The issuer is checked, and then again.
    Doubt,
}

/// Judges an outcome of a request to which an answer is owed since `since`.
#[must_use]
pub fn verdict(outcome: Outcome, settings: &Settings, since: Timestamp, now: Timestamp) -> Verdict {
    let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    match outcome {
        Outcome::Issued {
            sound,
            not_replaced,
        } => issued(*sound, not_replaced.as_deref(), settings.modifications),
        Outcome::Waiting { .. } if waited > settings.wait => failed(
            "WaitingTimeout",
            format!(
                "the CA did not decide within {} s (spec.retry.wait)",
                settings.wait.as_secs()
            ),
        ),
        Outcome::Waiting { check_after } => Verdict {
            written: Written::Pending("the CA has not decided yet".to_owned()),
            said: Some(Said {
                warning: false,
                reason: "Waiting",
                note: "the CA has not decided yet; it is asked again by itself".to_owned(),
            }),
            next: Next::After(check_after),
        },
        Outcome::Trouble(Trouble::Final(message) | Trouble::Replaced(message)) => {
            failed("Rejected", message)
        }
        Outcome::Trouble(Trouble::Invalid(message)) => Verdict {
            said: Some(Said::warning("InvalidRequest", message.clone())),
            written: Written::Invalid(message),
            next: Next::Nothing,
        },
        Outcome::Trouble(Trouble::Passing { message, .. } | Trouble::Issuer(message))
            if waited > settings.within =>
        {
            failed(
                "RetriesExhausted",
                format!(
                    "no answer within {} s (spec.retry.within): {message}",
                    settings.within.as_secs()
                ),
            )
        }
        Outcome::Trouble(Trouble::Passing {
            message,
            retry_after,
        }) => pending(&message, Next::Retry { retry_after }),
        Outcome::Trouble(Trouble::Issuer(message)) => pending(&message, Next::Doubt),
    }
}

fn issued(sound: Sound, not_replaced: Option<&str>, policy: Modifications) -> Verdict {
    let Sound {
        leaf,
        certificate,
        ca,
        kind,
        changes,
    } = sound;
    let differs = differences(&changes);
    if !changes.is_empty() && policy == Modifications::Reject {
        let message = format!(
            "the certificate is not what was asked for, and the issuer rejects that: {differs}"
        );
        return Verdict {
            next: Next::Revoke(leaf.to_pem()),
            ..failed("GrantedWithModifications", message)
        };
    }
    let mut note = format!(
        "certificate {} issued by {}",
        leaf.serial_text(),
        asked_by(kind)
    );
    if let Some(why) = not_replaced {
        note.push_str(&format!("; not as a key update: {why}"));
    }
    let warn = !changes.is_empty() && policy == Modifications::Warn;
    let (message, reason) = if warn {
        note.push_str(&format!("; it is not what was asked for: {differs}"));
        let message = format!("Certificate issued with modifications: {differs}");
        (message, "GrantedWithModifications")
    } else {
        ("Certificate issued".to_owned(), "Issued")
    };
    Verdict {
        written: Written::Issued {
            certificate,
            ca,
            message,
        },
        said: Some(Said {
            warning: warn,
            reason,
            note,
        }),
        next: Next::Nothing,
    }
}

fn failed(reason: &'static str, message: String) -> Verdict {
    Verdict {
        said: Some(Said::warning(reason, message.clone())),
        written: Written::Failed(message),
        next: Next::Nothing,
    }
}

fn pending(message: &str, next: Next) -> Verdict {
    // The id is another one each time, and the status would be written for it each time.
    let message = message.split(" (correlation id").next().unwrap_or_default();
    let message = message.to_owned();
    Verdict {
        said: Some(Said::warning("Retrying", message.clone())),
        written: Written::Pending(message),
        next,
    }
}

fn differences(changes: &[Change]) -> String {
    let nothing = "nothing";
    let one = |change: &Change| {
        format!(
            "{}: asked for {}, issued with {}",
            change.field,
            change.requested.as_deref().unwrap_or(nothing),
            change.issued.as_deref().unwrap_or(nothing)
        )
    };
    changes.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn asked_by(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Ir => "ir (initialization request)",
        RequestKind::Cr => "cr (certification request)",
        RequestKind::Kur => "kur (key update request)",
        RequestKind::P10cr => "p10cr (the CSR as it was signed)",
        RequestKind::Local => "the RA's own CA",
        _ => "a kind of request this version does not know",
    }
}

#[cfg(test)]
mod tests;
