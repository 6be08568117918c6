//! Step 13: from an outcome to the answer that tells it.

use jiff::SignedDuration;
use pki::{Certificate, GeneralName};
use pkixcmp::server::{Answer, Granted, Release, ServerTransaction};
use pkixcmp::transaction::RequestKind;
use pkixcmp::{CertId, CmpCertificate, PkiBody, PkiMessage, PkiStatus, PkiStatusInfo};
use ra::{ConfirmedBy, Issued, Outcome, Phase, RefusalKind};

use super::fail_info;
use super::sender::Authenticated;
use super::trouble::lost;

/// An answer, and the certificates that travel beside it.
pub(super) struct Rendered {
    pub(super) answer: Answer,
    /// Above the new certificate, roots left out.
    pub(super) chain: Vec<Certificate>,
}

impl Rendered {
    pub(super) fn rejected(status: PkiStatusInfo) -> Self {
        Answer::Rejected(status).into()
    }
}

impl From<Answer> for Rendered {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            chain: Vec::new(),
        }
    }
}

/// The answer that an outcome is to `message`; the error is for an error message.
pub(super) fn outcome(
    outcome: &Outcome,
    transaction: &ServerTransaction,
    sender: &Authenticated,
    message: &PkiMessage,
) -> Result<Rendered, PkiStatusInfo> {
    let enrolls = transaction.kind().enrolls();
    Ok(match outcome {
        Outcome::Issued(issued) if enrolls => Rendered {
            answer: Answer::Granted(Box::new(granted(issued, sender)?)),
            chain: issued.chain.iter().skip(1).cloned().collect(),
        },
        Outcome::Waiting { check_after, .. } => match message.body() {
            PkiBody::PollReq(_) => checked(*check_after).into(),
            _ => waiting().into(),
        },
        Outcome::Revoked(_) if transaction.kind() == RequestKind::Rr => Answer::Revoked {
            status: PkiStatusInfo::accepted(),
            certificate: named(message).map(Box::new),
        }
        .into(),
        Outcome::Refused { refusal, .. } => {
            let status = fail_info::status(refusal);
            match refusal.kind {
                // About the message, not about what it asks for.
                RefusalKind::OtherRequestUnderKey => return Err(status),
                _ => Rendered::rejected(status),
            }
        }
        Outcome::Issued(_) | Outcome::Revoked(_) => {
            tracing::error!("the outcome belongs to another kind of request");
            return Err(fail_info::failure());
        }
    })
}

/// "Not yet", the first time.
pub(super) fn waiting() -> Answer {
    Answer::Waiting {
        text: "the CA has not decided yet".to_owned(),
    }
}

/// "Not yet", to a poll.
fn checked(span: SignedDuration) -> Answer {
    Answer::CheckAfter {
        seconds: u32::try_from(span.as_secs()).unwrap_or(1).max(1),
        reason: None,
    }
}

/// The certificate that an rr asks to revoke, in its own words.
fn named(message: &PkiMessage) -> Option<CertId> {
    let PkiBody::Rr(list) = message.body() else {
        return None;
    };
    let details = &list.first()?.cert_details;
    Some(CertId {
        issuer: GeneralName::Directory(details.issuer.clone()?),
        serial_number: details.serial_number.clone()?,
    })
}

/// The certificate as the client gets it.
pub(super) fn granted(issued: &Issued, sender: &Authenticated) -> Result<Granted, PkiStatusInfo> {
    let entry = &issued.entry;
    let Some(leaf) = issued.chain.first() else {
        return Err(lost("a chain without a certificate"));
    };
    let status = if issued.changes.is_empty() {
        PkiStatusInfo::accepted()
    } else {
        PkiStatusInfo {
            status: PkiStatus::GrantedWithMods,
            texts: vec![issued.changes.to_string()],
            failure: None,
        }
    };
    let release = match (entry.confirmed_by, &entry.phase, entry.due) {
        (ConfirmedBy::Ra, _, _) => Release::Implicit,
        (ConfirmedBy::Requester, Phase::Issued(_), Some(until)) => Release::ConfirmUntil(until),
        (ConfirmedBy::Requester, _, _) => Release::Confirm,
    };
    // A signature says who we are, not that our word on trust anchors is to be taken (RFC 9810 section 5.3.4).
    let anchors = if sender.reply.is_mac() {
        issued.anchors.as_slice()
    } else {
        &[]
    };
    Ok(Granted {
        certificate: CmpCertificate::from(leaf),
        status,
        ca_pubs: anchors.iter().map(CmpCertificate::from).collect(),
        release,
    })
}
