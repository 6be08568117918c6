//! [`Site`]: everything a configuration says, wired and ready to serve. Immutable: a reload makes a new one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pki::{Certificate, Signer};
use pkixcmp::protection::MacPolicy;
use ra::{Credentials, Label, Ra};

use crate::Callers;

/// What one configuration serves.
pub struct Site {
    /// The line: CAs, profiles and labels are in it.
    pub ra: Arc<Ra>,
    /// Shared secrets of CMP clients, by label and reference.
    pub credentials: Arc<dyn Credentials>,
    /// REST callers.
    pub callers: Callers,
    /// What the fronts know of each label beyond the line's own rules. Every label of `ra` is here too.
    pub labels: HashMap<Label, LabelSettings>,
    /// How REST v1 behaves.
    pub v1: V1Settings,
}

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
