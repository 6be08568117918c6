//! [`Unprotected`]: a message about to be sent, protected in two steps.

use bytes::Bytes;
use der::{Encode, ErrorKind, Tag};

use crate::body::PkiBody;
use crate::error::EncodeError;
use crate::header::PkiHeader;
use crate::limits;
use crate::raw::CmpCertificate;
use crate::tlv::{context, sequence, tlv};

/// A message whose header and body are fixed and encoded, and which has no protection yet.
///
/// Protection takes two steps because the key may be in another process: take [`Self::to_be_protected`] to the signer, come back
/// to [`Self::protected`] with what it made. The algorithm stands in the header, so it is chosen before.
#[derive(Clone)]
pub struct Unprotected {
    header: Bytes,
    body: Bytes,
    extra_certs: Vec<CmpCertificate>,
}

impl Unprotected {
    /// Encodes header and body.
    ///
    /// # Errors
    /// When a list is longer than its bound, or the message would be longer than [`limits::SENT`].
    pub fn new(
        header: &PkiHeader,
        body: &PkiBody,
        extra_certs: Vec<CmpCertificate>,
    ) -> Result<Self, EncodeError> {
        let body = body.to_der()?;
        Self::with_raw_body(header, body, extra_certs)
    }

    /// Encodes the header and takes a body as it was received, for a message that is forwarded with another protection.
    ///
    /// # Errors
    /// When a list in the header is longer than its bound, or the message would be longer than [`limits::SENT`].
    pub fn with_raw_body(
        header: &PkiHeader,
        body: Bytes,
        extra_certs: Vec<CmpCertificate>,
    ) -> Result<Self, EncodeError> {
        let header = header
            .to_der()
            .map_err(|error| EncodeError::new("header", error))?;
        let certificates: usize = extra_certs
            .iter()
            .map(|certificate| certificate.der().len())
            .sum();
        if extra_certs.len() > limits::CERTIFICATES
            || header.len() + body.len() + certificates > limits::SENT
        {
            return Err(EncodeError::new("message", ErrorKind::Overlength.into()));
        }
        Ok(Self {
            header: header.into(),
            body,
            extra_certs,
        })
    }

    /// What the signature or MAC has to cover: the DER of `SEQUENCE { header, body }` (RFC 9810 section 5.1.3).
    #[must_use]
    pub fn to_be_protected(&self) -> Bytes {
        sequence([self.header.as_ref(), self.body.as_ref()])
    }

    /// The message with its signature or MAC, ready to be sent.
    #[must_use]
    pub fn protected(self, signature: &[u8]) -> Bytes {
        let bits = tlv(Tag::BitString, [[0].as_slice(), signature]);
        self.assemble(Some(&tlv(context(0), [bits.as_slice()])))
    }

    /// The message without protection; the header should name no algorithm.
    #[must_use]
    pub fn unprotected(self) -> Bytes {
        self.assemble(None)
    }

    fn assemble(self, protection: Option<&[u8]>) -> Bytes {
        let extra_certs = if self.extra_certs.is_empty() {
            Vec::new()
        } else {
            tlv(
                context(1),
                [tlv(
                    Tag::Sequence,
                    self.extra_certs
                        .iter()
                        .map(|certificate| certificate.der().as_ref()),
                )
                .as_slice()],
            )
        };
        sequence([
            self.header.as_ref(),
            self.body.as_ref(),
            protection.unwrap_or_default(),
            extra_certs.as_slice(),
        ])
    }
}

/// Sizes only: what is sent may hold what does not belong into a log.
impl std::fmt::Debug for Unprotected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Unprotected(header {}, body {} octets, {} certificates)",
            self.header.len(),
            self.body.len(),
            self.extra_certs.len()
        )
    }
}
