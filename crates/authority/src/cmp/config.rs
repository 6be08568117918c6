use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pki::{Certificate, Name, Signer};
use pkixcmp::PkiFailureInfo;
use pkixcmp::protection::{Hmac, MacSecret, Owf};
use ra::AuthorityName;

use super::endpoint::Endpoint;

/// One CA that speaks CMP: where it is, how we show who we are, what we believe of it, and what it can do.
///
/// Every part is a checked type already; [`super::CmpAuthority::new`] only refuses combinations that cannot work.
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
            salt: SaltLife::PerMessage,
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

/// What our messages are protected with (RFC 9810 section 5.1.3).
#[derive(Clone)]
pub enum Protection {
    /// A MAC over a secret we share with the CA.
    Mac(MacIdentity),
    /// A signature with our own certificate's key.
    Signature(RaIdentity),
}

/// A shared secret and how a MAC key is made of it.
#[derive(Clone)]
pub struct MacIdentity {
    /// What the CA knows the secret by: `senderKID` of our messages.
    pub reference: Bytes,
    /// The secret.
    pub secret: MacSecret,
    /// Which MAC.
    pub form: MacForm,
    /// How long a salt is used.
    pub salt: SaltLife,
}

/// How long a salt of ours is used. It is not secret; using it longer only saves the derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SaltLife {
    /// Every message has its own.
    #[default]
    PerMessage,
    /// One for an hour of this process: the key derived from it is used again, which halves what a MAC-protected
    /// exchange costs.
    PerHour,
}

/// How a MAC is made of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacForm {
    /// id-PasswordBasedMac (RFC 9481 section 6.1.1).
    Pbm {
        /// The function applied over and over.
        owf: Owf,
        /// The MAC.
        mac: Hmac,
        /// How often; 100 to 100,000.
        iterations: u32,
    },
    /// PBMAC1 (RFC 9481 section 6.1.2).
    Pbmac1 {
        /// The pseudo-random function of PBKDF2.
        prf: Hmac,
        /// The MAC.
        mac: Hmac,
        /// How often; 100 to 100,000.
        iterations: u32,
    },
}

impl MacForm {
    /// SHA-256 and HMAC-SHA256, 1,000 iterations: the default.
    pub const PBM_SHA256: Self = Self::Pbm {
        owf: Owf::Sha256,
        mac: Hmac::Sha256,
        iterations: 1000,
    };
    /// SHA-1 and HMAC-SHA1, 1,000 iterations: what CAs of the RFC 4210 age take (Insta's allows no more than 2,047).
    pub const PBM_SHA1: Self = Self::Pbm {
        owf: Owf::Sha1,
        mac: Hmac::Sha1,
        iterations: 1000,
    };
    /// PBMAC1 with HMAC-SHA256, 10,000 iterations.
    pub const PBMAC1_SHA256: Self = Self::Pbmac1 {
        prf: Hmac::Sha256,
        mac: Hmac::Sha256,
        iterations: 10_000,
    };

    /// Whether SHA-1 has any part in it.
    pub fn uses_sha1(self) -> bool {
        let weak = |mac| matches!(mac, Hmac::Sha1 | Hmac::Sha1Pkcs5);
        match self {
            Self::Pbm { owf, mac, .. } => owf == Owf::Sha1 || weak(mac),
            Self::Pbmac1 { prf, mac, .. } => weak(prf) || weak(mac),
        }
    }
}

/// Our certificate as an RA (RFC 9810 section 5.1.3.3).
#[derive(Clone)]
pub struct RaIdentity {
    /// The key.
    pub signer: Arc<dyn Signer>,
    /// Its certificate first, then the ones above it without the root: `extraCerts` of our messages.
    pub chain: Vec<Certificate>,
}

/// What a signed answer has to be signed with.
#[derive(Clone, Debug)]
pub enum AnswerTrust {
    /// No signed answer is believed; the MAC is enough.
    MacOnly,
    /// A certificate with a path to one of these, of a CA or with the purpose id-kp-cmcCA (RFC 6402 section 2.10).
    Anchors {
        /// Where the path has to end.
        anchors: Vec<Certificate>,
        /// Which signers may have a path.
        signer: SignerRule,
    },
    /// One of exactly these certificates, whatever is above them.
    Pinned(Vec<Certificate>),
    /// Nothing is known beforehand (`cmpServers.json` names no certificates): the signer must bear the name configured as
    /// `recipient` and must have issued the certificate in the answer. Each use is logged as a warning; configure anchors.
    IssuerDn,
}

/// Which signers with a path to an anchor are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SignerRule {
    /// A CA certificate, or one with extended key usage id-kp-cmcCA.
    #[default]
    CaOrCmcCa,
    /// Any with a path: for CAs whose CMP signer has no purpose of its own. Everyone who holds a certificate below the
    /// anchors can then answer in the CA's place.
    AnyBelowAnchors,
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

/// Deviations of real CAs, none tolerated unless named here (docs/ISSUANCE.md says who needs which).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// The CA gives the same answer again to the same bytes, as RFC 9483 does not ask and most do not.
    pub repeats: bool,
    /// It signs its answers to MAC-protected requests (EJBCA's default).
    pub signed_answers_to_mac: bool,
    /// It answers a signed request with a MAC over our secret.
    pub mac_answers_to_signature: bool,
    /// Which of its messages are believed without protection.
    pub unprotected_errors: UnprotectedErrors,
    /// It leaves transactionID and recipNonce out of error messages.
    pub bare_errors: bool,
    /// Its error messages may be of pvno 1.
    pub version_1_errors: bool,
    /// It answers a `p10cr` under certReqId 0 (NCM, EJBCA) where RFC 9810 section 5.3.4 wants -1.
    pub p10cr_id_zero: bool,
    /// Its `sender` may have the RDNs in another order than its certificate (EJBCA).
    pub unordered_sender: bool,
    /// It names another media type than application/pkixcmp, or none.
    pub any_media_type: bool,
    /// It uses SHA-1 in the MACs of its answers though ours do not.
    pub sha1_answers: bool,
    /// What it says to a request it has seen before and will not answer again, beside transactionIdInUse.
    pub refuses_repeats_with: PkiFailureInfo,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            repeats: false,
            signed_answers_to_mac: false,
            mac_answers_to_signature: false,
            unprotected_errors: UnprotectedErrors::EndRequests,
            bare_errors: false,
            version_1_errors: false,
            p10cr_id_zero: false,
            unordered_sender: false,
            any_media_type: false,
            sha1_answers: false,
            refuses_repeats_with: PkiFailureInfo::BAD_REQUEST | PkiFailureInfo::DUPLICATE_CERT_REQ,
        }
    }
}

impl Quirks {
    /// What CertService tolerates of its CAs (EJBCA among them), as far as it is safe.
    pub fn onap() -> Self {
        Self {
            signed_answers_to_mac: true,
            mac_answers_to_signature: true,
            bare_errors: true,
            version_1_errors: true,
            p10cr_id_zero: true,
            unordered_sender: true,
            any_media_type: true,
            sha1_answers: true,
            ..Self::default()
        }
    }
}

/// Which error messages are believed without protection. Whoever can write one could also have kept the answer from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UnprotectedErrors {
    /// None: the same message is sent again.
    Ignored,
    /// One that ends a request nothing was issued for yet; it is reported as not authenticated. None that would make us
    /// forget a certificate.
    #[default]
    EndRequests,
    /// Also the one that ends a confirmation: for CAs that cannot protect what they say about a transaction they forgot.
    EndConfirmations,
}

/// How to get to a CA.
pub struct TransportSettings {
    /// Until TCP (and TLS) stand.
    pub connect: Duration,
    /// Until the last octet of the answer.
    pub total: Duration,
    /// Most octets of an answer.
    pub max_response: usize,
    /// By way of whom.
    pub proxy: Proxy,
    /// For `https`.
    pub tls: TlsSettings,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
            max_response: pkixcmp::limits::MESSAGE,
            proxy: Proxy::Direct,
            tls: TlsSettings::default(),
        }
    }
}

/// By way of whom messages go.
#[derive(Clone, Debug, Default)]
pub enum Proxy {
    /// Nobody.
    #[default]
    Direct,
    /// Whoever the environment names (`HTTPS_PROXY`, `NO_PROXY` and their like).
    Environment,
    /// This one: `http://`, `https://`, `socks5://` (names resolved here) or `socks5h://` (names resolved there).
    Through(url::Url),
}

/// TLS towards one CA.
#[derive(Clone, Default)]
pub struct TlsSettings {
    /// Which server certificates are believed.
    pub roots: TlsRoots,
    /// Who we are, if the CA asks.
    pub identity: Option<TlsIdentity>,
}

/// Which server certificates are believed.
#[derive(Clone, Debug, Default)]
pub enum TlsRoots {
    /// Those the operating system believes.
    #[default]
    System,
    /// Those below these roots and no others.
    Only(Vec<Certificate>),
}

/// Our certificate for TLS: a key of its own, neither the RA's nor a CA's.
#[derive(Clone)]
pub struct TlsIdentity {
    /// Its certificate first, then the ones above it.
    pub chain: Vec<Certificate>,
    /// The key.
    pub key: Arc<pki::PrivateKey>,
}

impl RaIdentity {
    /// The certificate that our signatures are verified with.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.chain.first()
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(f, "Mac({:?})", mac.form),
            Self::Signature(identity) => write!(f, "Signature({:?})", identity.certificate()),
        }
    }
}
