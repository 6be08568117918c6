mod protection;
mod quirks;
mod transport;
mod trust;

use bytes::Bytes;
use pki::Name;
use pkixcmp::protection::MacSecret;
use ra::AuthorityName;

use super::endpoint::Endpoint;

pub use protection::{MacForm, MacIdentity, Protection, RaIdentity, SaltLife};
pub use quirks::{Quirks, UnprotectedErrors};
pub use transport::{Proxy, TlsIdentity, TlsRoots, TlsSettings, TransportSettings};
pub use trust::{AnswerTrust, SignerRule};

/// One CA that speaks CMP: where it is, how we show who we are, what we believe of it, and what it can do.
///
/// Every part is a checked type already; [`super::CmpAuthority::new`] only refuses combinations that cannot work.
#[derive(Clone)]
pub struct CmpConfig {
    /// What the CA is called in logs, metrics and the journal.
    pub name: AuthorityName,
    /// Where it listens.
    pub endpoint: Endpoint,
    /// Its name: `recipient` of every message, `issuer` of an ONAP template, and what [`AnswerTrust::IssuerDn`] holds
    /// answers against. `None` sends the NULL-DN (RFC 9810 section 5.1.1).
    pub recipient: Option<Name>,
    /// What our messages are protected with.
    pub protection: Protection,
    /// What a signed answer has to be signed with.
    pub trust: AnswerTrust,
    /// How messages and templates are filled in.
    pub dialect: Dialect,
    /// Which form the first request for a certificate has.
    pub first: FirstRequest,
    /// What the CA takes from us.
    pub takes: Takes,
    /// Who ends a transaction.
    pub confirmation: Confirmation,
    /// Deviations that are tolerated, each by name.
    pub quirks: Quirks,
    /// How to get there.
    pub transport: TransportSettings,
}

impl CmpConfig {
    /// A CA by RFC 9483: explicit confirmation, no deviation tolerated, deadlines of 5 and 30 seconds.
    pub fn rfc9483(
        name: AuthorityName,
        endpoint: Endpoint,
        protection: Protection,
        trust: AnswerTrust,
    ) -> Self {
        Self {
            name,
            endpoint,
            recipient: None,
            protection,
            trust,
            dialect: Dialect::Rfc9483,
            first: FirstRequest::Initialization,
            takes: Takes::default(),
            confirmation: Confirmation::Explicit,
            quirks: Quirks::default(),
            transport: TransportSettings::default(),
        }
    }

    /// A CA as CertService talks to it (certificates for `issuer`, secret and reference from `cmpServers.json`): the ONAP
    /// dialect, SHA-1 as its CAs expect, implicit confirmation asked for, answers believed by [`AnswerTrust::IssuerDn`].
    pub fn onap(
        name: AuthorityName,
        endpoint: Endpoint,
        issuer: Name,
        reference: Bytes,
        secret: MacSecret,
    ) -> Self {
        let protection = Protection::Mac(MacIdentity {
            reference,
            secret,
            form: MacForm::PBM_SHA1,
            salt: SaltLife::default(),
        });
        Self {
            recipient: Some(issuer),
            dialect: Dialect::Onap,
            confirmation: Confirmation::Implicit,
            quirks: Quirks::onap(),
            ..Self::rfc9483(name, endpoint, protection, AnswerTrust::IssuerDn)
        }
    }
}

/// How messages and templates are filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dialect {
    /// As RFC 9483 section 4.1 says.
    #[default]
    Rfc9483,
    /// Octet for octet as ONAP CertService 2.6 fills them in.
    Onap,
}

/// Which form the first request for a certificate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FirstRequest {
    /// `ir`.
    #[default]
    Initialization,
    /// `cr`: for CAs that know us already and keep `ir` for themselves.
    Certification,
}

/// What a CA takes from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes {
    /// Our word that we checked the proof-of-possession (raVerified, RFC 9810 section 5.2.8).
    pub ra_verified: bool,
    /// A `kur` that bears our protection in place of the old certificate's.
    pub kur_on_behalf: bool,
    /// A PKCS#10 request (`p10cr`).
    pub p10cr: bool,
    /// A revocation request (`rr`) for any certificate it issued by way of us.
    pub rr: bool,
}

impl Default for Takes {
    /// What needs no trust in us: everything but raVerified and updating on behalf.
    fn default() -> Self {
        Self {
            ra_verified: false,
            kur_on_behalf: false,
            p10cr: true,
            rr: true,
        }
    }
}

/// Who ends a transaction (RFC 9810 section 5.1.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Confirmation {
    /// The CA waits for our `certConf`: no certificate counts before it is in our journal.
    #[default]
    Explicit,
    /// We ask the CA not to wait. Right only where it repeats an answer that was lost ([`Quirks::repeats`]) or where
    /// compatibility wants it.
    Implicit,
}
