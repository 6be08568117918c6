//! [`EncryptedKey`]: something secret on its way (RFC 4211 section 2.1, RFC 9810 section 5.2.2).

use der::asn1::{BitString, OctetString};
use der::{Choice, Sequence};
use spki::AlgorithmIdentifierOwned;

use crate::raw::EnvelopedData;

/// EncryptedKey: a private key or a certificate, encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
#[allow(
    clippy::large_enum_variant,
    reason = "one per response; a box would be in the way of every reader"
)]
pub enum EncryptedKey {
    /// The form of pvno 2, deprecated.
    EncryptedValue(EncryptedValue),
    /// The form of pvno 3.
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    EnvelopedData(EnvelopedData),
}

/// EncryptedValue.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
#[asn1(tag_mode = "IMPLICIT")]
pub struct EncryptedValue {
    /// What the decrypted value is to be used with.
    #[asn1(context_specific = "0", constructed = "true", optional = "true")]
    pub intended_alg: Option<AlgorithmIdentifierOwned>,
    /// The symmetric algorithm.
    #[asn1(context_specific = "1", constructed = "true", optional = "true")]
    pub symm_alg: Option<AlgorithmIdentifierOwned>,
    /// The symmetric key, encrypted.
    #[asn1(context_specific = "2", optional = "true")]
    pub enc_symm_key: Option<BitString>,
    /// The algorithm that encrypted the symmetric key.
    #[asn1(context_specific = "3", constructed = "true", optional = "true")]
    pub key_alg: Option<AlgorithmIdentifierOwned>,
    /// A hint for the recipient.
    #[asn1(context_specific = "4", optional = "true")]
    pub value_hint: Option<OctetString>,
    /// The value, encrypted.
    pub enc_value: BitString,
}
