//! Certification path validation (RFC 5280 section 6): is this certificate good for this purpose, under these anchors?
//!
//! Own code and not `webpki`, because CMP needs what that refuses: a CA that signs messages with its own certificate (an end
//! entity with CA:TRUE), version 1 roots, names that differ in string type only. Checked are signatures, validity,
//! basicConstraints with path length, keyCertSign, name constraints and critical extensions. Not checked are revocation and
//! policies: a certificate that demands an explicit policy is refused.

use jiff::{SignedDuration, Timestamp};

use crate::certificate::Certificate;
use crate::key::VerifyError;
use crate::name::same_name;

mod extensions;
mod name_constraints;

pub use extensions::Purpose;
use extensions::check_critical;

/// The most certificates a path may have, its anchor not counted.
pub const MAX_PATH: usize = 10;

/// The most signatures that are verified in search of one path. Each may cost some 100 µs, and the certificates come from a peer.
const MAX_SIGNATURES: usize = 100;

/// How far another's clock may run ahead of ours: a certificate issued this moment must not look like one from the future.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Why no path is good. Names are shown as RFC 4514 writes them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The certificate is not valid yet.
    #[error("the certificate of {subject} is not valid before {not_before}")]
    NotYetValid {
        /// Whose certificate.
        subject: String,
        /// From when it is.
        not_before: Timestamp,
    },
    /// The certificate is not valid any more.
    #[error("the certificate of {subject} expired at {not_after}")]
    Expired {
        /// Whose certificate.
        subject: String,
        /// Until when it was.
        not_after: Timestamp,
    },
    /// No certificate of the issuer is among the anchors and the certificates given.
    #[error("no certificate of {issuer}, the issuer of {subject}, is known")]
    NoIssuer {
        /// Whose certificate.
        subject: String,
        /// Its issuer.
        issuer: String,
    },
    /// A certificate with the issuer's name is there, but its key did not make the signature.
    #[error(
        "the certificate of {subject} is not signed with the key of the {issuer} that is known: {source}"
    )]
    Signature {
        /// Whose certificate.
        subject: String,
        /// Its issuer.
        issuer: String,
        /// What failed.
        source: VerifyError,
    },
    /// The issuer may not issue: no basicConstraints with cA, or a keyUsage without keyCertSign.
    #[error("{issuer} is not a CA (basicConstraints cA, keyUsage keyCertSign)")]
    NotCa {
        /// The issuer.
        issuer: String,
    },
    /// More CAs stand below this one than its pathLenConstraint allows.
    #[error("{issuer} allows fewer CAs below it than the path has (pathLenConstraint)")]
    PathLength {
        /// The issuer.
        issuer: String,
    },
    /// A critical extension is unknown, cannot be read, or demands what is not supported.
    #[error(
        "the certificate of {subject} has the critical extension {oid}, which is unknown, malformed or not supported"
    )]
    CriticalExtension {
        /// Whose certificate.
        subject: String,
        /// Which extension.
        oid: const_oid::ObjectIdentifier,
    },
    /// A name is outside the name constraints of a CA above it.
    #[error("the certificate of {subject} breaks the name constraints of {issuer}: {name}")]
    NameConstraints {
        /// Whose certificate.
        subject: String,
        /// The CA that set the constraints.
        issuer: String,
        /// The name, or what about it cannot be decided.
        name: String,
    },
    /// The certificate is not for this purpose.
    #[error("the certificate of {subject} lacks {missing}")]
    Purpose {
        /// Whose certificate.
        subject: String,
        /// The usage it would need.
        missing: &'static str,
    },
    /// No path within [`MAX_PATH`] certificates.
    #[error("no path of at most {MAX_PATH} certificates")]
    TooLong,
    /// Too many certificates that look like each other's issuers.
    #[error("no path was found within {MAX_SIGNATURES} signature checks")]
    TooMuchWork,
}

/// Checks that `end` is good for `required` at `now`: it is one of the `anchors` byte by byte (a pinned certificate), or a path
/// leads from it through `intermediates` to one of them.
///
/// `intermediates` may be anything a peer sent, in any order; nothing in it becomes trusted. An anchor's own validity is not
/// examined (RFC 5280 section 6.1.1), its other limits are.
///
/// # Errors
/// The failure that tells most of all paths tried.
pub fn validate(
    end: &Certificate,
    intermediates: &[Certificate],
    anchors: &[Certificate],
    now: Timestamp,
    required: Purpose,
) -> Result<(), PathError> {
    check_validity(end, now)?;
    required.check(end)?;
    if anchors.contains(end) {
        return Ok(());
    }
    check_critical(end)?;
    Search::new(intermediates, anchors, now).find(end).map(drop)
}

/// A path that was found: the end first, each next one the issuer of the one before.
pub(crate) struct Path<'a> {
    pub(crate) certificates: Vec<&'a Certificate>,
    pub(crate) anchor: &'a Certificate,
}

/// A search for a path, depth first, over certificates of which nothing is known.
pub(crate) struct Search<'a> {
    intermediates: Vec<&'a Certificate>,
    anchors: Vec<&'a Certificate>,
    now: Timestamp,
    signatures_left: usize,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        intermediates: impl IntoIterator<Item = &'a Certificate>,
        anchors: impl IntoIterator<Item = &'a Certificate>,
        now: Timestamp,
    ) -> Self {
        Self {
            intermediates: intermediates.into_iter().collect(),
            anchors: anchors.into_iter().collect(),
            now,
            signatures_left: MAX_SIGNATURES,
        }
    }

    /// A path from `end`, of which only the place in the path is checked here.
    pub(crate) fn find(mut self, end: &'a Certificate) -> Result<Path<'a>, PathError> {
        let mut certificates = vec![end];
        let anchor = self.extend(&mut certificates)?;
        Ok(Path {
            certificates,
            anchor,
        })
    }

    fn extend(&mut self, path: &mut Vec<&'a Certificate>) -> Result<&'a Certificate, PathError> {
        let Some(&last) = path.last() else {
            return Err(PathError::TooLong);
        };
        let mut failure = None;
        for anchor in self.issuers(&self.anchors, last) {
            match self.check_link(path, last, anchor) {
                Ok(()) => return Ok(anchor),
                Err(PathError::TooMuchWork) => return Err(PathError::TooMuchWork),
                Err(error) => failure = Some(more_telling(failure, error)),
            }
        }
        for issuer in self.issuers(&self.intermediates, last) {
            if path.iter().any(|seen| is_same_authority(seen, issuer)) {
                continue;
            }
            if path.len() == MAX_PATH {
                return Err(PathError::TooLong);
            }
            let checked = check_validity(issuer, self.now)
                .and_then(|()| check_critical(issuer))
                .and_then(|()| self.check_link(path, last, issuer));
            let extended = checked.and_then(|()| {
                path.push(issuer);
                let anchor = self.extend(path);
                if anchor.is_err() {
                    path.pop();
                }
                anchor
            });
            match extended {
                Ok(anchor) => return Ok(anchor),
                Err(PathError::TooMuchWork) => return Err(PathError::TooMuchWork),
                Err(error) => failure = Some(more_telling(failure, error)),
            }
        }
        // Writing names down costs as much as reading a certificate, so it waits until someone has to read them.
        Err(failure.unwrap_or_else(|| PathError::NoIssuer {
            subject: last.subject().to_string(),
            issuer: last.issuer().to_string(),
        }))
    }

    /// Those of `candidates` that bear the name of the issuer of `of`, likely ones first: by key identifier, which is only a
    /// hint (RFC 5280 section 4.2.1.1), then by validity.
    fn issuers(&self, candidates: &[&'a Certificate], of: &Certificate) -> Vec<&'a Certificate> {
        let mut issuers: Vec<_> = candidates
            .iter()
            .copied()
            .filter(|candidate| same_name(candidate.subject(), of.issuer()))
            .collect();
        issuers.sort_by_key(|issuer| {
            let hint = match (of.authority_key_id(), issuer.subject_key_id()) {
                (Some(wanted), Some(id)) if wanted == id => 0,
                (Some(_), Some(_)) => 2,
                _ => 1,
            };
            (hint, check_validity(issuer, self.now).is_err())
        });
        issuers
    }

    /// Whether `issuer` issued `last` and was allowed to issue what `path` has below it.
    fn check_link(
        &mut self,
        path: &[&Certificate],
        last: &Certificate,
        issuer: &Certificate,
    ) -> Result<(), PathError> {
        check_may_issue(path, issuer)?;
        self.signatures_left = self
            .signatures_left
            .checked_sub(1)
            .ok_or(PathError::TooMuchWork)?;
        last.verify_signed_by(issuer.public_key())
            .map_err(|source| PathError::Signature {
                subject: last.subject().to_string(),
                issuer: issuer.subject().to_string(),
                source,
            })?;
        name_constraints::check(path, issuer)
    }
}

/// Whether two certificates speak of the same CA: the same name with the same key, as in a CA's self-signed certificate and its cross-certificates.
pub(crate) fn is_same_authority(one: &Certificate, other: &Certificate) -> bool {
    one.public_key() == other.public_key() && same_name(one.subject(), other.subject())
}

/// A version 1 certificate has no extensions to say it is a CA with; believed of none but self-signed ones.
pub(crate) fn is_root(certificate: &Certificate) -> bool {
    (certificate.is_ca() || is_version_1(certificate)) && certificate.is_self_signed()
}

pub(crate) fn check_validity(certificate: &Certificate, now: Timestamp) -> Result<(), PathError> {
    let subject = || certificate.subject().to_string();
    if certificate.not_after() < now {
        let not_after = certificate.not_after();
        return Err(PathError::Expired {
            subject: subject(),
            not_after,
        });
    }
    match now.checked_add(CLOCK_SKEW) {
        Ok(soon) if soon < certificate.not_before() => {
            let not_before = certificate.not_before();
            Err(PathError::NotYetValid {
                subject: subject(),
                not_before,
            })
        }
        _ => Ok(()),
    }
}

/// RFC 5280 section 6.1.4 (k) to (n), from below: `path` is what `issuer` is to stand above.
fn check_may_issue(path: &[&Certificate], issuer: &Certificate) -> Result<(), PathError> {
    let name = || issuer.subject().to_string();
    let may_sign = issuer
        .key_usage()
        .is_none_or(extensions::allows_certificates);
    let is_ca = issuer.is_ca() || (is_version_1(issuer) && issuer.is_self_signed());
    if !is_ca || !may_sign {
        return Err(PathError::NotCa { issuer: name() });
    }
    let cas_below = path
        .iter()
        .skip(1)
        .filter(|ca| !ca.is_self_issued())
        .count();
    match issuer.ca_constraint().and_then(|ca| ca.path_len) {
        Some(allowed) if cas_below > allowed.into() => {
            Err(PathError::PathLength { issuer: name() })
        }
        _ => Ok(()),
    }
}

fn is_version_1(certificate: &Certificate) -> bool {
    certificate.x509().tbs_certificate().version() == x509_cert::Version::V1
}

/// Of two failures the one to show: that an issuer is missing says least, unless it is missing further up.
fn more_telling(known: Option<PathError>, new: PathError) -> PathError {
    let says_little = |error: &PathError| matches!(error, PathError::NoIssuer { .. });
    match known {
        Some(known) if says_little(&new) && !says_little(&known) => known,
        _ => new,
    }
}
