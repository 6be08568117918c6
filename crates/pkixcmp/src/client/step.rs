//! What an answer means for the client.

use jiff::Timestamp;

use crate::failure_info::PkiFailureInfo;
use crate::info::Infos;
use crate::raw::CmpCertificate;
use crate::status::{PkiStatus, PkiStatusInfo};

/// What an answer means, and so what comes next.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Not decided yet: poll when the time has passed.
    Waiting {
        /// Seconds, within the bounds of [`super::Tolerance::check_after`].
        check_after: u32,
        /// What the peer says about it, made safe to show.
        reason: Vec<String>,
    },
    /// A certificate. Unless it is confirmed implicitly, confirm it when key, names and chain were checked.
    Issued(Box<Issued>),
    /// The certificate is revoked, or about to be.
    Revoked {
        /// accepted, grantedWithMods, revocationWarning or revocationNotification.
        status: PkiStatus,
    },
    /// The answer to a genm.
    Support(Infos),
    /// No.
    Rejected(Rejection),
    /// pkiConf: the peer has our last word.
    Confirmed,
}

/// A certificate was issued.
#[derive(Clone, Debug, PartialEq)]
pub struct Issued {
    /// The certificate as received; nothing about it has been checked.
    pub certificate: CmpCertificate,
    /// accepted, or grantedWithMods when it is not quite what was asked for.
    pub status: PkiStatusInfo,
    /// Certificates offered as trust anchors. To be believed only when the answer bore a MAC, or the signer is authorised to say so.
    pub ca_pubs: Vec<CmpCertificate>,
    /// The certificates that came along: the protection chain and the chain of the certificate.
    pub extra_certs: Vec<CmpCertificate>,
    /// Whether implicit confirmation was asked for and granted.
    pub implicitly_confirmed: bool,
    /// Until when the CA waits for the confirmation, if it says so.
    pub confirm_until: Option<Timestamp>,
}

/// A request was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What the peer says, made safe to show: bounded in number and length, without control characters.
    pub texts: Vec<String>,
    /// Why.
    pub failure: PkiFailureInfo,
    /// Whether it is the message that was refused, by an error, and not what was asked for, by a status.
    pub of_message: bool,
    /// Whether the message bore a valid protection. One that did not may come from anyone; the transaction goes on as if it had not come.
    pub authenticated: bool,
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.authenticated {
            "rejected"
        } else {
            "rejected (unauthenticated answer)"
        })?;
        if !self.texts.is_empty() {
            write!(f, ": {}", self.texts.join("; "))?;
        }
        if !self.failure.is_empty() {
            write!(f, " ({})", self.failure)?;
        }
        Ok(())
    }
}
