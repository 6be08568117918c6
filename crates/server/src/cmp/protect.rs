//! [`Reply`]: how answers to a message are protected, which is how the message was (RFC 9483 section 3.2).

use bytes::Bytes;
use jiff::Timestamp;
use pki::{Certificate, GeneralName, SignError};
use pkixcmp::protection::MacKey;
use pkixcmp::transaction::{Nonce, Outgoing};
use pkixcmp::{CmpCertificate, PkiMessage, Unprotected};

use crate::CmpSigner;

/// The protection of answers.
pub(super) enum Reply {
    /// By the key that verified the request: same secret, same parameters, nothing to be derived.
    Mac(Box<MacKey>),
    /// By our signature.
    Signature(CmpSigner),
    /// Not at all: nobody is authenticated, and there is nothing to sign with or no wish to.
    Unprotected,
}

impl Reply {
    /// What an answer to `message` needs beyond its transaction. `chain` goes into extraCerts, after our own; roots are left out, since
    /// whoever needs one to believe a message must not take it from there.
    pub(super) fn outgoing(
        &self,
        message: &PkiMessage,
        nonce: Nonce,
        now: Timestamp,
        chain: &[Certificate],
    ) -> Outgoing {
        let header = message.header();
        let own = match self {
            Self::Signature(signer) => signer.chain.as_slice(),
            Self::Mac(_) | Self::Unprotected => &[],
        };
        // Our own certificate comes first even where it is a root itself: it is the one that verifies the message.
        let (first, rest) = own.split_at(own.len().min(1));
        let mut extra_certs: Vec<&Certificate> = first.iter().collect();
        let above = rest
            .iter()
            .filter(|certificate| !certificate.is_self_issued());
        for certificate in above.chain(chain) {
            if !extra_certs.contains(&certificate) {
                extra_certs.push(certificate);
            }
        }
        let addressed = || header.recipient.clone();
        let (sender, sender_kid, protection_alg) = match self {
            Self::Mac(key) => (
                addressed(),
                header
                    .sender_kid
                    .as_ref()
                    .map(|kid| Bytes::copy_from_slice(kid.as_bytes())),
                Some(key.algorithm().clone()),
            ),
            Self::Signature(signer) => {
                let own = signer.chain.first();
                (
                    own.map_or_else(addressed, |own| {
                        GeneralName::Directory(own.subject().clone())
                    }),
                    own.and_then(Certificate::subject_key_id)
                        .map(Bytes::copy_from_slice),
                    Some(signer.key.algorithm().clone()),
                )
            }
            Self::Unprotected => (addressed(), None, None),
        };
        Outgoing {
            sender,
            sender_kid,
            protection_alg,
            sender_nonce: nonce,
            message_time: Some(now),
            extra_certs: extra_certs.into_iter().map(CmpCertificate::from).collect(),
        }
    }

    /// The finished message.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub(super) async fn protect(&self, message: Unprotected) -> Result<Bytes, SignError> {
        match self {
            Self::Mac(key) => Ok(key.protect(message)),
            Self::Signature(signer) => {
                let signature = signer.key.sign(&message.to_be_protected()).await?;
                Ok(message.protected(&signature))
            }
            Self::Unprotected => Ok(message.unprotected()),
        }
    }

    /// Whether the client can believe what the answer says about trust anchors (RFC 9810 section 5.3.4).
    pub(super) fn is_mac(&self) -> bool {
        matches!(self, Self::Mac(_))
    }
}
