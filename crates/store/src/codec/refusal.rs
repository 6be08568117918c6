use std::borrow::Cow;

use ra::{CaStatus, Refusal, RefusalKind, SentAs};
use serde::{Deserialize, Serialize};

use super::CodecError;

/// Gives each variant a number for good, both ways; a new variant does not compile until it has one.
macro_rules! numbered {
    ($number:ident, $back:ident, $type:ident { $($variant:ident = $value:literal),+ $(,)? }) => {
        pub(super) fn $number(of: $type) -> u16 {
            match of { $($type::$variant => $value),+ }
        }

        pub(super) fn $back(number: u16) -> Result<$type, CodecError> {
            match number { $($value => Ok($type::$variant),)+ _ => Err(CodecError::Damaged(stringify!($type))) }
        }
    };
}

numbered!(kind_number, kind, RefusalKind {
    BadRequest = 1,
    BadCsr = 2,
    BadPop = 3,
    KeyNotAllowed = 4,
    NameNotAllowed = 5,
    ValidityNotAllowed = 6,
    UsageNotAllowed = 7,
    CaNotAllowed = 8,
    UnknownLabel = 9,
    UnknownProfile = 10,
    NotAuthorized = 11,
    OtherRequestUnderKey = 12,
    CannotChange = 13,
    Unsupported = 14,
    NotFound = 15,
    AlreadyRevoked = 16,
    AlreadyConfirmed = 17,
    NotConfirmed = 18,
    RejectedByCa = 19,
    BadAnswer = 20,
    Lost = 21,
});

numbered!(sent_as_number, sent_as, SentAs {
    Initialization = 1,
    Certification = 2,
    KeyUpdate = 3,
    Pkcs10 = 4,
    Local = 5,
});

#[derive(Serialize, Deserialize)]
pub(super) struct StoredRefusal<'a> {
    kind: u16,
    detail: Cow<'a, str>,
    ca: Option<StoredCaStatus<'a>>,
}

#[derive(Serialize, Deserialize)]
struct StoredCaStatus<'a> {
    strings: Cow<'a, [String]>,
    fail_info: Cow<'a, [String]>,
    authenticated: bool,
}

impl<'a> From<&'a Refusal> for StoredRefusal<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        let ca = refusal.ca.as_ref().map(|ca| StoredCaStatus {
            strings: Cow::Borrowed(&ca.strings),
            fail_info: Cow::Borrowed(&ca.fail_info),
            authenticated: ca.authenticated,
        });
        Self {
            kind: kind_number(refusal.kind),
            detail: Cow::Borrowed(&refusal.detail),
            ca,
        }
    }
}

impl TryFrom<StoredRefusal<'_>> for Refusal {
    type Error = CodecError;

    fn try_from(stored: StoredRefusal<'_>) -> Result<Self, CodecError> {
        let ca = stored.ca.map(|ca| CaStatus {
            strings: ca.strings.into_owned(),
            fail_info: ca.fail_info.into_owned(),
            authenticated: ca.authenticated,
        });
        Ok(Self {
            kind: kind(stored.kind)?,
            detail: stored.detail.into_owned(),
            ca,
        })
    }
}
