//! Step 2 of the line for REST: mTLS or bearer token to [`Requester`].

use http::{HeaderMap, header::AUTHORIZATION};
use jiff::Timestamp;
use pki::{Certificate, GeneralName};
use ra::{CredentialId, Principal, Requester, TextPattern};

use crate::jwt::{Token, TokenIssuers, TokenRefusal, Unverified};

/// A caller that configuration knows by name.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its name; becomes the principal `caller:<name>`.
    pub name: String,
    /// SHA-256 of each bearer token it may present. The tokens are random and long, so a plain digest keeps them.
    pub tokens: Vec<[u8; 32]>,
    /// Patterns of the principals a client certificate gives; one that fits makes its holder this caller.
    pub certificates: Vec<TextPattern>,
    /// About whom a signed token may be to make its bearer this caller.
    pub subjects: Vec<TokenSubject>,
    /// Whether it may speak for others.
    pub acts_as_ra: bool,
}

/// Whom a token is about: what no two callers share.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenSubject {
    /// The name of its issuer in the configuration.
    pub issuer: String,
    /// Its `sub`, to the letter.
    pub subject: String,
}

/// Everyone configuration knows by name. Whoever has a certificate of a trusted client CA is a requester without being listed here; of those
/// whom a token issuer knows nobody is.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    all: Vec<Caller>,
    issuers: TokenIssuers,
}

/// Why nobody is known to be asking.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// Neither certificate nor token.
    #[error("neither a client certificate nor a bearer token was presented")]
    Nothing,
    /// A token that belongs to nobody, or another scheme than Bearer.
    #[error("the Authorization header is not a bearer token that is known here")]
    UnknownToken,
    /// A signed token that makes nobody known.
    #[error(transparent)]
    Token(TokenRefusal),
    /// A signed token of which nobody can say whether it is good: our trouble, and it may pass.
    #[error("the keys of the token issuer `{issuer}` cannot be had at the moment; try again")]
    NoKeys {
        /// The issuer's name in the configuration.
        issuer: String,
    },
}

impl Unauthenticated {
    /// The reason as one word, for metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::UnknownToken => "unknown-token",
            Self::Token(refusal) => refusal.word(),
            Self::NoKeys { .. } => "no-keys",
        }
    }
}

impl From<TokenRefusal> for Unauthenticated {
    fn from(refusal: TokenRefusal) -> Self {
        Self::Token(refusal)
    }
}

impl From<Unverified> for Unauthenticated {
    fn from(why: Unverified) -> Self {
        match why {
            Unverified::Refused(refusal) => Self::Token(refusal),
            Unverified::NoKeys { issuer } => Self::NoKeys { issuer },
        }
    }
}

impl Callers {
    /// Those callers, and the issuers of the signed tokens by which some of them are known.
    #[must_use]
    pub fn new(callers: Vec<Caller>, issuers: TokenIssuers) -> Self {
        Self {
            all: callers,
            issuers,
        }
    }

    /// Whose signed tokens are taken.
    #[must_use]
    pub fn issuers(&self) -> &TokenIssuers {
        &self.issuers
    }

    /// Who asks. A bearer token wins over the certificate of the connection: a gateway with a certificate of its own may pass on the
    /// tokens of others.
    ///
    /// # Errors
    /// [`Unauthenticated`]; a wrong token is an error even over mTLS.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        peer: Option<&Certificate>,
        now: Timestamp,
    ) -> Result<Requester, Unauthenticated> {
        match headers.get(AUTHORIZATION) {
            Some(value) => self.by_bearer(bearer(value.as_bytes())?, peer, now).await,
            None => peer
                .map(|certificate| self.by_certificate(certificate))
                .ok_or(Unauthenticated::Nothing),
        }
    }

    async fn by_bearer(
        &self,
        token: &[u8],
        peer: Option<&Certificate>,
        now: Timestamp,
    ) -> Result<Requester, Unauthenticated> {
        // Digests are compared, not tokens: how long it takes tells nothing about a token.
        let digest = pki::digest::sha256(token);
        if let Some(caller) = self.all.iter().find(|one| one.tokens.contains(&digest)) {
            return Ok(caller.by(format!("token:{}", caller.name), peer));
        }
        if self.issuers.is_empty() || !Token::looks_like(token) {
            return Err(Unauthenticated::UnknownToken);
        }
        let token = Token::read(token)?;
        let issuer = self.issuers.verify(&token, now).await?.name.as_str();
        let subject = token.subject();
        let is_about = |one: &TokenSubject| one.issuer == issuer && one.subject == subject;
        let caller = self
            .all
            .iter()
            .find(|one| one.subjects.iter().any(is_about));
        let caller = caller.ok_or_else(|| TokenRefusal::unknown_subject(issuer, subject))?;
        Ok(caller.by(format!("jwt:{issuer}/{subject}"), peer))
    }

    fn by_certificate(&self, certificate: &Certificate) -> Requester {
        let by_key = by_key(certificate);
        let mut principals = principals_beside(&by_key, certificate);
        let mut acts_as_ra = false;
        let mine = |caller: &&Caller| {
            caller
                .certificates
                .iter()
                .any(|pattern| principals.iter().any(|p| pattern.matches(p.as_str())))
        };
        let found: Vec<&Caller> = self.all.iter().filter(mine).collect();
        for caller in found {
            principals.push(named(caller));
            acts_as_ra |= caller.acts_as_ra;
        }
        Requester {
            credential: CredentialId::new(by_key),
            principals,
            acts_as_ra,
            certificate: Some(certificate.clone()),
            via: None,
        }
    }
}

/// Every name a client certificate gives its holder: `mtls:<SHA-256 of the SPKI>`, `subject:CN=a,O=b`, `dns:…`, `ip:…`, `email:…`, `uri:…`.
#[must_use]
pub fn principals(certificate: &Certificate) -> Vec<Principal> {
    principals_beside(&by_key(certificate), certificate)
}

fn principals_beside(by_key: &str, certificate: &Certificate) -> Vec<Principal> {
    let mut found = vec![
        Principal::new(by_key),
        Principal::new(format!(
            "subject:{}",
            pki::name::onap::display(certificate.subject())
        )),
    ];
    let sans = certificate.sans().iter().filter(|name| {
        matches!(
            name,
            GeneralName::Dns(_) | GeneralName::Ip(_) | GeneralName::Email(_) | GeneralName::Uri(_)
        )
    });
    found.extend(sans.map(|name| Principal::new(name.to_string())));
    found
}

/// The token of an Authorization header (RFC 6750 section 2.1).
fn bearer(value: &[u8]) -> Result<&[u8], Unauthenticated> {
    value
        .split_at_checked(7)
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
        .map(|(_, token)| token.trim_ascii())
        .ok_or(Unauthenticated::UnknownToken)
}

impl Caller {
    /// This caller, known by that credential of its own.
    fn by(&self, credential: String, peer: Option<&Certificate>) -> Requester {
        Requester {
            principals: vec![Principal::new(credential.as_str()), named(self)],
            credential: CredentialId::new(credential),
            acts_as_ra: self.acts_as_ra,
            certificate: peer.cloned(),
            via: None,
        }
    }
}

fn named(caller: &Caller) -> Principal {
    Principal::new(format!("caller:{}", caller.name))
}

/// The name of a certificate's key.
fn by_key(certificate: &Certificate) -> String {
    let digest = pki::digest::sha256(certificate.public_key().spki_der());
    format!("mtls:{}", hex::encode(digest))
}

#[cfg(test)]
mod tests;
