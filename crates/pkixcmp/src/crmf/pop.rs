//! [`ProofOfPossession`]: why the CA may believe that the requester has the private key (RFC 4211 section 4).

use der::asn1::{BitString, ContextSpecific, ContextSpecificRef, Null};
use der::{Choice, Decode, Encode, Length, Reader, Sequence, TagMode, TagNumber, Writer};
use pki::GeneralName;
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::raw::{EnvelopedData, PoposkInput};

/// ProofOfPossession.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
#[allow(
    clippy::large_enum_variant,
    reason = "one per request; a box would be in the way of every reader"
)]
pub enum ProofOfPossession {
    /// An RA has seen the proof; to be believed of nobody else.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    RaVerified(Null),
    /// A signature with the key itself.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Signature(PopoSigningKey),
    /// For a key that only encrypts.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    KeyEncipherment(PopoPrivKey),
    /// For a key that only agrees on keys.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", constructed = "true")]
    KeyAgreement(PopoPrivKey),
}

/// POPOSigningKey (RFC 4211 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PopoSigningKey {
    /// What is signed when the template lacks subject or public key; the CertRequest otherwise.
    #[asn1(
        context_specific = "0",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    pub poposk_input: Option<PoposkInput>,
    /// The algorithm of the signature.
    pub algorithm_identifier: AlgorithmIdentifierOwned,
    /// The signature.
    pub signature: BitString,
}

/// POPOSigningKeyInput, parsed; the signature is over [`PoposkInput::der`].
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PopoSigningKeyInput {
    /// Who makes the proof.
    pub auth_info: AuthInfo,
    /// The key, as in the template.
    pub public_key: SubjectPublicKeyInfoOwned,
}

/// How the maker of a [`PopoSigningKeyInput`] is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthInfo {
    /// \[0\] By a name the CA has authenticated before.
    Sender(GeneralName),
    /// By a MAC over the public key.
    PublicKeyMac(PkMacValue),
}

impl<'a> Decode<'a> for AuthInfo {
    type Error = der::Error;

    fn decode<R: Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        match ContextSpecific::decode_explicit(reader, SENDER)? {
            Some(sender) => Ok(Self::Sender(sender.value)),
            None => PkMacValue::decode(reader).map(Self::PublicKeyMac),
        }
    }
}

impl Encode for AuthInfo {
    fn encoded_len(&self) -> der::Result<Length> {
        match self {
            Self::Sender(name) => sender(name).encoded_len(),
            Self::PublicKeyMac(mac) => mac.encoded_len(),
        }
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        match self {
            Self::Sender(name) => sender(name).encode(writer),
            Self::PublicKeyMac(mac) => mac.encode(writer),
        }
    }
}

const SENDER: TagNumber = TagNumber(0);

fn sender(name: &GeneralName) -> ContextSpecificRef<'_, GeneralName> {
    ContextSpecificRef {
        tag_number: SENDER,
        tag_mode: TagMode::Explicit,
        value: name,
    }
}

/// POPOPrivKey (RFC 4211 section 4.2).
#[derive(Clone, PartialEq, Eq, Choice)]
pub enum PopoPrivKey {
    /// The private key itself, deprecated.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    ThisMessage(BitString),
    /// The proof comes later: 0 encrCert, 1 challengeResp.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT")]
    SubsequentMessage(u8),
    /// A MAC with the agreed key, deprecated.
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    DhMac(BitString),
    /// A MAC with the agreed key (RFC 6955).
    #[asn1(context_specific = "3", tag_mode = "IMPLICIT", constructed = "true")]
    AgreeMac(PkMacValue),
    /// The private key, enveloped.
    #[asn1(context_specific = "4", tag_mode = "IMPLICIT", constructed = "true")]
    EncryptedKey(EnvelopedData),
}

/// Which form; the value may be a private key.
impl std::fmt::Debug for PopoPrivKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ThisMessage(_) => f.write_str("ThisMessage(…)"),
            Self::SubsequentMessage(how) => write!(f, "SubsequentMessage({how})"),
            Self::DhMac(_) => f.write_str("DhMac(…)"),
            Self::AgreeMac(mac) => write!(f, "AgreeMac({})", mac.alg_id.oid),
            Self::EncryptedKey(_) => f.write_str("EncryptedKey(…)"),
        }
    }
}

/// PKMACValue.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PkMacValue {
    /// The MAC algorithm.
    pub alg_id: AlgorithmIdentifierOwned,
    /// The MAC.
    pub value: BitString,
}
