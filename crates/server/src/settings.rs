//! What the configuration says to the fronts: how each label is offered over CMP, and how REST v1 and CMP behave.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use pki::{Certificate, Signer};
use pkixcmp::protection::MacPolicy;
use pkixcmp::server::{Conformance, HeaderRules};
use ra::Label;

/// How the fronts treat one label.
#[derive(Clone, Default)]
pub struct LabelSettings {
    /// Over CMP; `None`: the label is not offered there.
    pub cmp: Option<CmpSettings>,
}

/// How a label is offered over CMP.
#[derive(Clone)]
pub struct CmpSettings {
    /// Which MACs are taken from clients.
    pub mac: MacPolicy,
    /// The CAs whose certificates may sign requests; empty: only requests protected by a MAC are taken, and renewals signed with a
    /// certificate of the label's own CA.
    pub trusted_clients: Vec<Certificate>,
    /// Patterns of principals of signing certificates that act as RA.
    pub acts_as_ra: Vec<ra::TextPattern>,
    /// Signs answers to requests protected by signature. Without one such requests are refused.
    pub signer: Option<CmpSigner>,
    /// Whether implicit confirmation is granted to clients who ask for it.
    pub grant_implicit_confirm: bool,
    /// What else there is to say.
    pub rules: CmpRules,
}

/// How strict and how patient a label is over CMP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmpRules {
    /// How closely headers have to keep to a profile, and how far messageTime may be from our clock.
    pub header: HeaderRules,
    /// Whether a client with a shared secret may revoke what it enrolled; otherwise a revocation has to be signed (RFC 9483 section 4.2).
    pub mac_revocation: bool,
    /// For how long an answer is held back while the CA makes us wait, before the client is told to poll.
    pub hold: Duration,
    /// How errors to strangers are protected.
    pub unauthenticated_errors: UnauthenticatedErrors,
}

impl Default for CmpRules {
    fn default() -> Self {
        Self {
            header: HeaderRules {
                conformance: Conformance::Lenient,
                time_window: Some(SignedDuration::from_secs(300)),
            },
            mac_revocation: true,
            hold: Duration::from_secs(2),
            unauthenticated_errors: UnauthenticatedErrors::Unprotected,
        }
    }
}

/// How errors to those who could not be authenticated are protected. Never by a MAC: that would let anyone test guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnauthenticatedErrors {
    /// Not at all; costs nothing.
    Unprotected,
    /// By our signature, where the label has a signer.
    Signed,
}

/// How CMP behaves, whatever the label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmpListener {
    /// The label of paths that name none. `None`: the only one that is offered over CMP, if it is the only one.
    pub default_label: Option<Label>,
    /// Octets of a message that are read: 64 KiB are ample without post-quantum keys, 1 MiB with.
    pub body: usize,
}

impl Default for CmpListener {
    fn default() -> Self {
        Self {
            default_label: None,
            body: 64 * 1024,
        }
    }
}

/// The key our CMP answers are signed with.
#[derive(Clone)]
pub struct CmpSigner {
    /// The key.
    pub key: Arc<dyn Signer>,
    /// Its certificate and those above it: the answers' extraCerts.
    pub chain: Vec<Certificate>,
}

/// How REST v1 behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V1Settings {
    /// For how long a call is held while the CA makes us wait. v1 has no way to say "ask again".
    pub hold: Duration,
    /// For how long after its end a byte-identical request gets the same certificate: a client's retry, not a renewal.
    pub replay: Duration,
}

impl Default for V1Settings {
    fn default() -> Self {
        Self {
            hold: Duration::from_secs(60),
            replay: Duration::from_secs(300),
        }
    }
}
