//! Whether a message may open a transaction (RFC 9810 section 5.1.1, RFC 9483 sections 3.1 and 3.5).

use jiff::{SignedDuration, Timestamp};

use super::Fault;
use crate::body::PkiBody;
use crate::cert_id::CertReqId;
use crate::failure_info::PkiFailureInfo;
use crate::header::Pvno;
use crate::info::{InfoTypeAndValue, InfoValue, id};
use crate::message::PkiMessage;
use crate::time::GeneralizedTime;
use crate::transaction::{LONGEST_ID, RequestKind, infos, octets};

/// How closely messages have to keep to a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conformance {
    /// RFC 9810: what is needed to serve the message, and what it forbids.
    #[default]
    Lenient,
    /// RFC 9483: transactionID and senderNonce of exactly 128 bits, messageTime present, recipNonce absent, certReqId 0, NULL in
    /// implicitConfirm.
    Strict,
}

/// How the header of a first message is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderRules {
    /// How closely.
    pub conformance: Conformance,
    /// How far messageTime may be from our clock, either way; `None` for any distance. 300 s is usual.
    pub time_window: Option<SignedDuration>,
}

/// Judges version, identifiers, nonces, time, general info and the number of requests of a message that would open a transaction.
///
/// Look for a transaction with this transactionID first: a late repetition of a message is answered from it, and its messageTime is not judged.
///
/// # Errors
/// The [`Fault`] to answer with; for `badTime` with our own time as messageTime, so that the client can set its clock.
pub fn check_first(message: &PkiMessage, rules: &HeaderRules, now: Timestamp) -> Result<(), Fault> {
    let header = message.header();
    if header.pvno != Pvno::CMP2000 && header.pvno != Pvno::CMP2021 {
        return Err(Fault::new(
            PkiFailureInfo::UNSUPPORTED_VERSION,
            "pvno has to be 2 or 3",
        ));
    }
    let id = transaction_id(message)?;
    let nonce = octets(header.sender_nonce.as_ref());
    if nonce.is_some_and(|nonce| nonce.is_empty() || nonce.len() > LONGEST_ID) {
        return Err(Fault::new(
            PkiFailureInfo::BAD_SENDER_NONCE,
            "senderNonce has to be 16 octets",
        ));
    }
    kind(message.body())?;
    let infos: Vec<_> = infos(header).collect();
    confirmation(&infos)?;
    profile(&infos)?;
    time(
        header.message_time.as_ref().map(GeneralizedTime::timestamp),
        rules,
        now,
    )?;
    match rules.conformance {
        Conformance::Lenient => Ok(()),
        Conformance::Strict => strictly(message, id, nonce, &infos),
    }
}

fn strictly(
    message: &PkiMessage,
    id: &[u8],
    nonce: Option<&[u8]>,
    infos: &[&InfoTypeAndValue],
) -> Result<(), Fault> {
    let wrong_implicit = |info: &&InfoTypeAndValue| {
        info.is_implicit_confirm()
            && !info
                .info_value
                .as_ref()
                .is_some_and(der::asn1::Any::is_null)
    };
    let other_number =
        |request: &crate::crmf::CertReqMsg| request.cert_req.cert_req_id != CertReqId::FIRST;
    let fault = if id.len() != 16 {
        Fault::new(
            PkiFailureInfo::BAD_DATA_FORMAT,
            "transactionID has to be 16 octets",
        )
    } else if nonce.is_none_or(|nonce| nonce.len() != 16) {
        Fault::new(
            PkiFailureInfo::BAD_SENDER_NONCE,
            "senderNonce has to be 16 octets",
        )
    } else if message.header().recip_nonce.is_some() {
        Fault::new(
            PkiFailureInfo::BAD_RECIPIENT_NONCE,
            "recipNonce must not be in the first message of a transaction",
        )
    } else if infos.iter().any(wrong_implicit) {
        Fault::new(
            PkiFailureInfo::BAD_DATA_FORMAT,
            "implicitConfirm has to have the value NULL",
        )
    } else if message
        .body()
        .requests()
        .is_some_and(|requests| requests.iter().any(other_number))
    {
        Fault::new(PkiFailureInfo::BAD_REQUEST, "certReqId has to be 0")
    } else {
        return Ok(());
    };
    Err(fault)
}

/// The kind of request, if it is one that is served, with exactly one entry.
pub(super) fn kind(body: &PkiBody) -> Result<RequestKind, Fault> {
    let kind = RequestKind::of(body).ok_or(Fault::new(
        PkiFailureInfo::BAD_REQUEST,
        "this type of message does not open a transaction here",
    ))?;
    let entries = match body {
        PkiBody::Rr(revocations) => revocations.len(),
        body => body.requests().map_or(1, |requests| requests.len()),
    };
    if entries == 1 {
        Ok(kind)
    } else {
        Err(Fault::new(
            PkiFailureInfo::BAD_REQUEST,
            "there has to be exactly one request in a message",
        ))
    }
}

/// The transactionID, if it is one that can be kept.
pub(super) fn transaction_id(message: &PkiMessage) -> Result<&[u8], Fault> {
    octets(message.header().transaction_id.as_ref())
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_ID)
        .ok_or(Fault::new(
            PkiFailureInfo::BAD_DATA_FORMAT,
            "transactionID has to be 16 octets",
        ))
}

fn confirmation(infos: &[&InfoTypeAndValue]) -> Result<(), Fault> {
    let implicit = infos.iter().any(|info| info.is_implicit_confirm());
    let waits = infos
        .iter()
        .any(|info| info.info_type == id::CONFIRM_WAIT_TIME);
    if implicit && waits {
        return Err(Fault::new(
            PkiFailureInfo::BAD_REQUEST,
            "implicitConfirm and confirmWaitTime exclude each other",
        ));
    }
    Ok(())
}

/// With one request in a message there is at most one profile.
fn profile(infos: &[&InfoTypeAndValue]) -> Result<(), Fault> {
    let Some(info) = infos.iter().find(|info| info.info_type == id::CERT_PROFILE) else {
        return Ok(());
    };
    match info.value() {
        Ok(InfoValue::CertProfile(names)) if names.len() == 1 => Ok(()),
        Ok(InfoValue::CertProfile(names)) if names.len() > 1 => Err(Fault::new(
            PkiFailureInfo::BAD_REQUEST,
            "certProfile names more profiles than there are requests",
        )),
        _ => Err(Fault::new(
            PkiFailureInfo::BAD_DATA_FORMAT,
            "certProfile has to name a profile",
        )),
    }
}

fn time(stated: Option<Timestamp>, rules: &HeaderRules, now: Timestamp) -> Result<(), Fault> {
    match (stated, rules.time_window) {
        (None, _) if rules.conformance == Conformance::Strict => Err(Fault::new(
            PkiFailureInfo::BAD_TIME,
            "messageTime is missing",
        )),
        (Some(stated), Some(window))
            if stated.duration_since(now).unsigned_abs() > window.unsigned_abs() =>
        {
            Err(Fault::new(
                PkiFailureInfo::BAD_TIME,
                "messageTime is too far from the time here; compare it with the one of this answer",
            ))
        }
        _ => Ok(()),
    }
}
