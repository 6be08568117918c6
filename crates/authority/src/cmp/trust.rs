use jiff::Timestamp;
use pki::path::{self, Purpose};
use pki::{Certificate, GeneralName, Name, name};
use pkixcmp::body::enroll::CertOrEncCert;
use pkixcmp::client::{Authenticity, ClientTransaction};
use pkixcmp::protection::{
    KeyCache, MacPolicy, MacSecret, ProtectionKind, Sha1Use, verify_mac, verify_signature,
};
use pkixcmp::{CmpCertificate, PkiBody, PkiMessage};

use super::config::{AnswerTrust, CmpConfig, Protection, Quirks, SignerRule};

/// Most certificates whose key is tried on one signature.
const MOST_CANDIDATES: usize = 8;

/// What the protection of an answer proves, and if nothing, why.
pub(crate) struct Judged {
    pub(crate) authenticity: Authenticity,
    /// Why nothing is proved.
    pub(crate) doubt: Option<String>,
    /// Whether it is believed only because it bears the CA's name.
    pub(crate) by_name_alone: bool,
}

/// Judges answers of one CA.
pub(crate) struct Judge<'a> {
    pub(crate) config: &'a CmpConfig,
    pub(crate) cache: &'a KeyCache,
    pub(crate) now: Timestamp,
}

impl Judge<'_> {
    /// What the protection of `message` proves in `transaction`.
    pub(crate) fn judge(&self, message: &PkiMessage, transaction: &ClientTransaction) -> Judged {
        let kind = ProtectionKind::announced(message.header().protection_alg.as_ref());
        let proved = match kind {
            ProtectionKind::None => Err("it is not protected".to_owned()),
            // Refused by the transaction anyway, so nothing is computed.
            _ if !transaction.accepts(kind) => {
                Err(format!("it is protected by {kind}, our request was not"))
            }
            ProtectionKind::Mac => self.mac(message),
            ProtectionKind::Signature => self.signature(message, transaction),
        };
        match proved {
            Ok(authenticity) => {
                let by_name_alone = matches!(
                    (&authenticity, &self.config.trust),
                    (Authenticity::Signature { .. }, AnswerTrust::IssuerDn)
                );
                Judged {
                    authenticity,
                    doubt: None,
                    by_name_alone,
                }
            }
            Err(why) => Judged {
                authenticity: Authenticity::Unproven,
                doubt: Some(why),
                by_name_alone: false,
            },
        }
    }

    fn mac(&self, message: &PkiMessage) -> Result<Authenticity, String> {
        let (secret, policy) = mac_of(&self.config.protection, &self.config.quirks)
            .ok_or("it bears a MAC and we share no secret with this CA")?;
        verify_mac(message, secret, &policy, self.cache).map_err(|error| error.to_string())?;
        Ok(Authenticity::Mac)
    }

    fn signature(
        &self,
        message: &PkiMessage,
        transaction: &ClientTransaction,
    ) -> Result<Authenticity, String> {
        let known = transaction.known_signer();
        let carried: Vec<Certificate> = message.extra_certs().iter().filter_map(readable).collect();
        let candidates = carried
            .iter()
            .cloned()
            .chain(known.as_ref().and_then(readable))
            .chain(self.configured());
        let sha1 = if self.config.quirks.sha1_answers {
            Sha1Use::Everywhere
        } else {
            Sha1Use::Refused
        };
        let mut failure = None;
        let named = candidates
            .filter(|candidate| self.is_sender(candidate, message))
            .take(MOST_CANDIDATES);
        for signer in named {
            if let Err(error) = verify_signature(message, signer.public_key(), sha1) {
                failure = failure.or(Some(error.to_string()));
                continue;
            }
            match self.trusted(&signer, &carried, message, known.as_ref()) {
                Ok(()) => {
                    let signer = CmpCertificate::from_der(signer.der().clone())
                        .map_err(|error| error.to_string())?;
                    return Ok(Authenticity::Signature { signer });
                }
                // Says more than that other keys do not fit.
                Err(why) => {
                    let subject = name::onap::display(signer.subject());
                    return Err(format!("its signer `{subject}` is not trusted: {why}"));
                }
            }
        }
        Err(failure.unwrap_or_else(|| {
            "no certificate of its sender came with it or is configured".to_owned()
        }))
    }

    /// Certificates that may sign although they did not come along.
    fn configured(&self) -> impl Iterator<Item = Certificate> {
        match &self.config.trust {
            AnswerTrust::Anchors { anchors, .. } => anchors.clone(),
            AnswerTrust::Pinned(pinned) => pinned.clone(),
            AnswerTrust::MacOnly | AnswerTrust::IssuerDn => Vec::new(),
        }
        .into_iter()
    }

    /// Whether the header names this certificate's subject as sender (RFC 9483 section 3.1).
    fn is_sender(&self, certificate: &Certificate, message: &PkiMessage) -> bool {
        match &message.header().sender {
            GeneralName::Directory(sender) => self.same(sender, certificate.subject()),
            _ => false,
        }
    }

    fn same(&self, a: &Name, b: &Name) -> bool {
        if self.config.quirks.unordered_sender {
            name::same_name_unordered(a, b)
        } else {
            name::same_name(a, b)
        }
    }

    fn trusted(
        &self,
        signer: &Certificate,
        carried: &[Certificate],
        message: &PkiMessage,
        known: Option<&CmpCertificate>,
    ) -> Result<(), String> {
        match &self.config.trust {
            AnswerTrust::MacOnly => Err("only MACs are believed of this CA".to_owned()),
            AnswerTrust::Pinned(pinned) if !pinned.contains(signer) => {
                Err("it is not one of those configured".to_owned())
            }
            AnswerTrust::Pinned(_) if !signer.is_valid_at(self.now) => {
                Err("it is not valid now".to_owned())
            }
            AnswerTrust::Pinned(_) => Ok(()),
            AnswerTrust::Anchors {
                anchors,
                signer: rule,
            } => {
                let purpose = match rule {
                    SignerRule::CaOrCmcCa if !signer.is_ca() => Purpose::CmpCa,
                    SignerRule::CaOrCmcCa | SignerRule::AnyBelowAnchors => Purpose::CmpSigner,
                };
                path::validate(signer, carried, anchors, self.now, purpose)
                    .map_err(|error| error.to_string())
            }
            AnswerTrust::IssuerDn => self.named_and_issuing(signer, message, known),
        }
    }

    /// [`AnswerTrust::IssuerDn`]: the right name, and the hand that signed the certificate; where there is no certificate in
    /// the message, the one that signed before.
    fn named_and_issuing(
        &self,
        signer: &Certificate,
        message: &PkiMessage,
        known: Option<&CmpCertificate>,
    ) -> Result<(), String> {
        if !self
            .config
            .recipient
            .as_ref()
            .is_some_and(|issuer| name::same_name_unordered(issuer, signer.subject()))
        {
            return Err("it does not bear the configured issuerDN".to_owned());
        }
        let before = known.is_some_and(|known| known.der() == signer.der());
        match leaf(message) {
            Some(leaf) if leaf.verify_signed_by(signer.public_key()).is_err() => {
                Err("it did not issue the certificate in the answer".to_owned())
            }
            None if !before && !gives_nothing(message) => {
                Err("nothing shows that it is the CA's".to_owned())
            }
            Some(_) if !before => {
                tracing::warn!(
                    authority = %self.config.name,
                    signer = %name::onap::display(signer.subject()),
                    fingerprint = %hex::encode(signer.fingerprint()),
                    "The CA's answer is believed by its name alone; configure the certificates it is to be trusted by"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Secret and policy for MACs of the CA; none where we share no secret with it. HMAC-SHA1 over a key derived otherwise is
/// taken: it is sound, and all that OpenSSL's server makes.
fn mac_of<'a>(protection: &'a Protection, quirks: &Quirks) -> Option<(&'a MacSecret, MacPolicy)> {
    let Protection::Mac(identity) = protection else {
        return None;
    };
    let sha1 = if quirks.sha1_answers || identity.form.uses_sha1() {
        Sha1Use::Everywhere
    } else {
        Sha1Use::MacOnly
    };
    Some((&identity.secret, MacPolicy::default().with_sha1(sha1)))
}

/// A certificate of the message that can be read; strays that cannot are passed over.
pub(crate) fn readable(certificate: &CmpCertificate) -> Option<Certificate> {
    Certificate::from_der(certificate.der().clone()).ok()
}

fn leaf(message: &PkiMessage) -> Option<Certificate> {
    let pair = message
        .body()
        .responses()?
        .response
        .first()?
        .certified_key_pair
        .as_ref()?;
    match &pair.cert_or_enc_cert {
        CertOrEncCert::Certificate(certificate) => readable(certificate),
        CertOrEncCert::EncryptedCert(_) => None,
    }
}

/// Whether the message only puts us off or turns us down: believed of whoever bears the name, as an error without any
/// protection would be.
fn gives_nothing(message: &PkiMessage) -> bool {
    use pkixcmp::PkiStatus::{Rejection, Waiting};
    match message.body() {
        PkiBody::PollRep(_) | PkiBody::Error(_) => true,
        body => body.responses().is_some_and(|list| {
            list.response
                .iter()
                .all(|response| matches!(response.status.status, Waiting | Rejection))
        }),
    }
}
