//! Step 2 of the line for REST: mTLS or bearer token to [`Requester`].

use http::{HeaderMap, header::AUTHORIZATION};
use pki::{Certificate, GeneralName};
use ra::{CredentialId, Principal, Requester, TextPattern};

/// A caller that configuration knows by name.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its name; becomes the principal `caller:<name>`.
    pub name: String,
    /// SHA-256 of each bearer token it may present. The tokens are random and long, so a plain digest keeps them.
    pub tokens: Vec<[u8; 32]>,
    /// Patterns of the principals a client certificate gives; one that fits makes its holder this caller.
    pub certificates: Vec<TextPattern>,
    /// Whether it may speak for others.
    pub acts_as_ra: bool,
}

/// Everyone configuration knows by name. Whoever has a certificate of a trusted client CA is a requester without being listed here.
#[derive(Clone, Debug, Default)]
pub struct Callers(Vec<Caller>);

/// Why nobody is known to be asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// Neither certificate nor token.
    #[error("neither a client certificate nor a bearer token was presented")]
    Nothing,
    /// A token that belongs to nobody, or another scheme than Bearer.
    #[error("the Authorization header is not a bearer token that is known here")]
    UnknownToken,
}

impl Callers {
    /// Those callers.
    #[must_use]
    pub fn new(callers: Vec<Caller>) -> Self {
        Self(callers)
    }

    /// Who asks. A bearer token wins over the certificate of the connection: a gateway with a certificate of its own may pass on the
    /// tokens of others.
    ///
    /// # Errors
    /// [`Unauthenticated`]; a wrong token is an error even over mTLS.
    pub fn identify(
        &self,
        headers: &HeaderMap,
        peer: Option<&Certificate>,
    ) -> Result<Requester, Unauthenticated> {
        match headers.get(AUTHORIZATION) {
            Some(value) => self.by_token(value.as_bytes(), peer),
            None => peer
                .map(|certificate| self.by_certificate(certificate))
                .ok_or(Unauthenticated::Nothing),
        }
    }

    fn by_token(
        &self,
        value: &[u8],
        peer: Option<&Certificate>,
    ) -> Result<Requester, Unauthenticated> {
        let token = value
            .split_at_checked(7)
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
            .map(|(_, token)| token.trim_ascii())
            .ok_or(Unauthenticated::UnknownToken)?;
        // Digests are compared, not tokens: how long it takes tells nothing about a token.
        let digest = pki::digest::sha256(token);
        let caller = self
            .0
            .iter()
            .find(|caller| caller.tokens.contains(&digest))
            .ok_or(Unauthenticated::UnknownToken)?;
        Ok(Requester {
            credential: CredentialId::new(format!("token:{}", caller.name)),
            principals: vec![
                Principal::new(format!("token:{}", caller.name)),
                named(caller),
            ],
            acts_as_ra: caller.acts_as_ra,
            certificate: peer.cloned(),
            via: None,
        })
    }

    fn by_certificate(&self, certificate: &Certificate) -> Requester {
        let mut principals = principals(certificate);
        let mut acts_as_ra = false;
        let mine = |caller: &&Caller| {
            caller
                .certificates
                .iter()
                .any(|pattern| principals.iter().any(|p| pattern.matches(p.as_str())))
        };
        let found: Vec<&Caller> = self.0.iter().filter(mine).collect();
        for caller in found {
            principals.push(named(caller));
            acts_as_ra |= caller.acts_as_ra;
        }
        Requester {
            credential: CredentialId::new(format!("mtls:{}", key_digest(certificate))),
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
    let mut found = vec![
        Principal::new(format!("mtls:{}", key_digest(certificate))),
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

fn named(caller: &Caller) -> Principal {
    Principal::new(format!("caller:{}", caller.name))
}

fn key_digest(certificate: &Certificate) -> String {
    hex::encode(pki::digest::sha256(certificate.public_key().spki_der()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn callers() -> Callers {
        let issuer = Caller {
            name: "issuer".to_owned(),
            tokens: vec![pki::digest::sha256(TOKEN.as_bytes())],
            certificates: vec![TextPattern::new("dns:issuer.*")],
            acts_as_ra: true,
        };
        Callers::new(vec![issuer])
    }

    fn authorization(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn a_known_token_makes_the_caller_whatever_the_case_of_bearer() {
        for scheme in ["Bearer", "bearer"] {
            let who = callers()
                .identify(&authorization(&format!("{scheme} {TOKEN}")), None)
                .unwrap();
            assert_eq!(who.credential.as_str(), "token:issuer");
            assert!(who.acts_as_ra && who.principals.contains(&Principal::new("caller:issuer")));
        }
    }

    #[tokio::test]
    async fn a_wrong_token_is_refused_even_over_mtls() {
        let certificate = testing::certificate("CN=client", &["client.example"]).await;
        for value in ["Bearer wrong", "Basic abc", "Bearer", ""] {
            let found = callers().identify(&authorization(value), Some(&certificate));
            assert_eq!(found.unwrap_err(), Unauthenticated::UnknownToken, "{value}");
        }
    }

    #[test]
    fn nothing_shown_is_nobody() {
        assert_eq!(
            callers().identify(&HeaderMap::new(), None).unwrap_err(),
            Unauthenticated::Nothing
        );
    }

    #[tokio::test]
    async fn a_client_certificate_makes_a_requester_with_all_its_names() {
        let certificate = testing::certificate("O=Example,CN=client", &["client.example"]).await;
        let who = callers()
            .identify(&HeaderMap::new(), Some(&certificate))
            .unwrap();
        assert!(who.credential.as_str().starts_with("mtls:") && !who.acts_as_ra);
        for name in [
            "subject:O=Example,CN=client",
            "dns:client.example",
            who.credential.as_str(),
        ] {
            assert!(
                who.principals.contains(&Principal::new(name)),
                "{name} not in {:?}",
                who.principals
            );
        }
        assert!(who.holds(&certificate.id()));
    }

    #[tokio::test]
    async fn a_certificate_that_fits_a_caller_is_that_caller_as_well() {
        let certificate = testing::certificate("CN=x", &["issuer.example"]).await;
        let who = callers()
            .identify(&HeaderMap::new(), Some(&certificate))
            .unwrap();
        assert!(who.acts_as_ra && who.principals.contains(&Principal::new("caller:issuer")));
    }
}
