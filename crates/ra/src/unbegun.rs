use pki::{CertificateId, Template};

use crate::{Correlation, EnrollRequest, Key, Label, ProfileName, Requester, RevokeRequest};

/// A request that no row is written for: all that its refusal has to know.
pub(crate) struct Unbegun<'r> {
    pub(crate) who: &'r Requester,
    pub(crate) key: &'r Key,
    pub(crate) fingerprint: [u8; 32],
    pub(crate) label: &'r Label,
    pub(crate) correlation: Option<&'r Correlation>,
    /// The profile it names, if it does.
    pub(crate) profile: Option<&'r ProfileName>,
    /// The certificate it asks for.
    pub(crate) wanted: Option<&'r Template>,
    /// The certificate it is about.
    pub(crate) of: Option<&'r CertificateId>,
}

impl<'r> Unbegun<'r> {
    pub(crate) fn enroll(who: &'r Requester, request: &'r EnrollRequest) -> Self {
        Self {
            who,
            key: &request.key,
            fingerprint: request.fingerprint,
            label: &request.label,
            correlation: request.correlation.as_ref(),
            profile: request.profile.as_ref(),
            wanted: Some(&request.wanted),
            of: None,
        }
    }

    pub(crate) fn revoke(who: &'r Requester, request: &'r RevokeRequest) -> Self {
        Self {
            who,
            key: &request.key,
            fingerprint: request.fingerprint,
            label: &request.label,
            correlation: request.correlation.as_ref(),
            profile: None,
            wanted: None,
            of: Some(&request.of),
        }
    }
}
