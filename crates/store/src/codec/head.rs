use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use pki::{CertificateId, Template};
use ra::{Asked, AuthorityName, ConfirmedBy, CredentialId, Entry, Label, ProfileName};
use serde::{Deserialize, Serialize};

use super::{CodecError, opened, sealed, span_of, time_of};

/// What of an entry never changes, as read back.
pub(crate) struct Head {
    pub(crate) owner: CredentialId,
    pub(crate) replay_for: Option<SignedDuration>,
    pub(crate) label: Label,
    pub(crate) authority: AuthorityName,
    pub(crate) profile: ProfileName,
    pub(crate) asked: Asked,
    pub(crate) confirmed_by: ConfirmedBy,
    pub(crate) begun_at: Timestamp,
    pub(crate) changed_at: Timestamp,
}

/// The unchanging part of `entry` as bytes.
pub(crate) fn head_bytes(entry: &Entry) -> Result<Vec<u8>, CodecError> {
    let stored = StoredHead {
        owner: entry.owner.as_str().into(),
        replay_for: entry.replay_for.map(|span| span.as_nanos()),
        label: entry.label.as_str().into(),
        authority: entry.authority.as_str().into(),
        profile: entry.profile.as_str().into(),
        asked: match &entry.asked {
            Asked::Enroll(template) => StoredAsked::Enroll(Cow::Borrowed(template)),
            Asked::Revoke { of, reason } => StoredAsked::Revoke(Cow::Borrowed(of), *reason),
        },
        confirmed_by: match entry.confirmed_by {
            ConfirmedBy::Ra => StoredConfirmedBy::Ra,
            ConfirmedBy::Requester => StoredConfirmedBy::Requester,
        },
        begun_at: entry.begun_at.as_nanosecond(),
        changed_at: entry.changed_at.as_nanosecond(),
    };
    sealed(&stored, "head")
}

/// The reverse of [`head_bytes`].
pub(crate) fn head_of(bytes: &[u8]) -> Result<Head, CodecError> {
    let stored: StoredHead<'_> = opened(bytes, "head")?;
    Ok(Head {
        owner: CredentialId::new(stored.owner),
        replay_for: stored.replay_for.map(span_of).transpose()?,
        label: Label::new(stored.label),
        authority: AuthorityName::new(stored.authority),
        profile: ProfileName::new(stored.profile),
        asked: match stored.asked {
            StoredAsked::Enroll(template) => Asked::Enroll(Box::new(template.into_owned())),
            StoredAsked::Revoke(of, reason) => Asked::Revoke {
                of: of.into_owned(),
                reason,
            },
        },
        confirmed_by: match stored.confirmed_by {
            StoredConfirmedBy::Ra => ConfirmedBy::Ra,
            StoredConfirmedBy::Requester => ConfirmedBy::Requester,
        },
        begun_at: time_of(stored.begun_at)?,
        changed_at: time_of(stored.changed_at)?,
    })
}

#[derive(Serialize, Deserialize)]
struct StoredHead<'a> {
    #[serde(borrow)]
    owner: Cow<'a, str>,
    replay_for: Option<i128>,
    #[serde(borrow)]
    label: Cow<'a, str>,
    #[serde(borrow)]
    authority: Cow<'a, str>,
    #[serde(borrow)]
    profile: Cow<'a, str>,
    asked: StoredAsked<'a>,
    confirmed_by: StoredConfirmedBy,
    begun_at: i128,
    changed_at: i128,
}

/// Variants are numbered in order: add at the end only.
#[derive(Serialize, Deserialize)]
enum StoredAsked<'a> {
    Enroll(Cow<'a, Template>),
    Revoke(Cow<'a, CertificateId>, u8),
}

#[derive(Serialize, Deserialize)]
enum StoredConfirmedBy {
    Ra,
    Requester,
}
