use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::TYPE_BASE;

/// One row per kind of problem; everything that is said of a kind is said here.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $status:literal, $title:literal;)*) => {
        /// The kinds of problem, one per reason for which a request can fail. The names are stable: programs match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        pub enum ProblemSlug {
            $($(#[$doc])* #[serde(rename = $slug)] $name,)*
        }

        impl ProblemSlug {
            /// Every kind there is, in the order of the table in docs/ERRORS.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The last part of the type's address, such as `bad-csr`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// The HTTP status this kind is answered with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The kind in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

kinds! {
    /// The request cannot be read: not JSON, an unknown member, a value out of its range, a header field that makes no sense.
    BadRequest = "bad-request", 400, "The request cannot be read";
    /// The PKCS#10 request is not one.
    BadCsr = "bad-csr", 400, "The certificate signing request cannot be read";
    /// The signature of the request does not show that the requester has the new key.
    BadPop = "bad-pop", 400, "The proof of possession does not hold";
    /// Nobody said who they are, or not believably.
    Unauthenticated = "unauthenticated", 401, "Who asks is not known";
    /// Known, but not entitled to this.
    NotAuthorized = "not-authorized", 403, "The requester is not entitled to this";
    /// No CA of this name.
    UnknownCa = "unknown-ca", 404, "There is no such CA";
    /// No profile of this name for this CA.
    UnknownProfile = "unknown-profile", 422, "There is no such profile";
    /// No such enrollment, certificate or path, or not the requester's own.
    NotFound = "not-found", 404, "There is no such thing";
    /// The resource exists, the method does not.
    MethodNotAllowed = "method-not-allowed", 405, "The method is not allowed here";
    /// None of the formats in `Accept` can be made.
    NotAcceptable = "not-acceptable", 406, "None of the accepted formats can be made";
    /// Revoked before.
    AlreadyRevoked = "already-revoked", 409, "The certificate is revoked already";
    /// Confirmed before.
    AlreadyConfirmed = "already-confirmed", 409, "The certificate is confirmed already";
    /// The requester gave the certificate back, or did not confirm it in time.
    NotConfirmed = "not-confirmed", 409, "The certificate was not confirmed";
    /// The request is larger than the service reads.
    TooLarge = "too-large", 413, "The request is too large";
    /// The body has a media type that this resource does not read.
    UnsupportedMediaType = "unsupported-media-type", 415, "The media type of the body is not supported";
    /// The profile does not allow this kind or size of key.
    KeyNotAllowed = "key-not-allowed", 422, "The key is not allowed";
    /// The profile does not allow a subject or subject alternative name.
    NameNotAllowed = "name-not-allowed", 422, "A name in the request is not allowed";
    /// The profile does not allow this lifetime.
    ValidityNotAllowed = "validity-not-allowed", 422, "The validity is not allowed";
    /// The profile does not allow a key usage or extended key usage.
    UsageNotAllowed = "usage-not-allowed", 422, "A key usage is not allowed";
    /// A certificate for a CA was asked for and the profile has none.
    CaNotAllowed = "ca-not-allowed", 422, "A CA certificate is not allowed";
    /// The idempotency key was used for other bytes before.
    OtherRequestUnderKey = "other-request-under-key", 422, "The idempotency key belongs to another request";
    /// The request would have to be changed to be allowed, and its form does not let us: a bare CSR with a CA that takes only that.
    CannotChange = "cannot-change", 422, "The request cannot be changed as would be needed";
    /// The CA said no. `failInfo` and `detail` carry what it said.
    RejectedByCa = "rejected-by-ca", 422, "The CA rejected the request";
    /// The service failed. The reason is in its log under the correlation id.
    Internal = "internal", 500, "The service failed";
    /// The CA behind this label cannot do what was asked.
    Unsupported = "unsupported", 501, "The CA cannot do this";
    /// What the CA issued is not what it was asked for; it was given back.
    BadAnswer = "bad-answer", 502, "The certificate of the CA is not the one asked for";
    /// The CA's answer was lost and the CA will not repeat it; ask again under a new idempotency key.
    Lost = "lost", 502, "The answer of the CA was lost";
    /// Too many requests at once, for this CA or in all.
    Overloaded = "overloaded", 503, "Too many requests at a time";
    /// The CA cannot be reached, or the service is not ready; the same request may be sent again.
    Unavailable = "unavailable", 503, "The service or its CA is unavailable";
    /// The CA made the request wait for longer than the service is willing to.
    WaitingTimeout = "waiting-timeout", 504, "The CA did not decide in time";
}

impl ProblemSlug {
    /// The type's address: what stands in `type`.
    #[must_use]
    pub fn uri(self) -> String {
        format!("{TYPE_BASE}{}", self.as_str())
    }
}

impl fmt::Display for ProblemSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProblemSlug {
    type Err = UnknownSlug;

    fn from_str(text: &str) -> Result<Self, UnknownSlug> {
        Self::ALL
            .iter()
            .copied()
            .find(|slug| slug.as_str() == text)
            .ok_or(UnknownSlug)
    }
}

/// Not the name of a kind of problem that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of problem that this version knows")]
pub struct UnknownSlug;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slug_is_read_back_as_itself() {
        for slug in ProblemSlug::ALL {
            assert_eq!(slug.as_str().parse(), Ok(*slug));
            assert_eq!(serde_json::to_value(slug).unwrap(), slug.as_str());
        }
    }

    #[test]
    fn no_two_kinds_share_a_slug_or_a_title() {
        for (i, a) in ProblemSlug::ALL.iter().enumerate() {
            for b in &ProblemSlug::ALL[i + 1..] {
                assert!(
                    a.as_str() != b.as_str() && a.title() != b.title(),
                    "{a} and {b}"
                );
            }
        }
    }

    #[test]
    fn slugs_are_lower_case_words_with_hyphens_and_statuses_are_errors() {
        for slug in ProblemSlug::ALL {
            assert!(
                slug.as_str()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{slug}"
            );
            assert!((400..600).contains(&slug.status()), "{slug}");
        }
    }

    #[test]
    fn the_table_is_the_published_one() {
        let table = ProblemSlug::ALL
            .iter()
            .map(|s| format!("{} {} {}", s.status(), s, s.title()))
            .collect::<Vec<_>>()
            .join("\n");
        insta::assert_snapshot!(table);
    }

    #[test]
    fn an_unknown_slug_is_refused() {
        assert_eq!("Bad-Csr".parse::<ProblemSlug>(), Err(UnknownSlug));
        assert_eq!("".parse::<ProblemSlug>(), Err(UnknownSlug));
    }
}
