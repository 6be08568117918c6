//! Structures that are carried as the octets they came in, because someone hashes, signs or forwards exactly those.

mod read;

use bytes::Bytes;
use der::{
    Decode, DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, SliceReader, Tag,
    Writer,
};

use crate::error::DecodeError;

/// One complete DER SEQUENCE, its content not looked into.
#[derive(Clone, PartialEq, Eq, Hash)]
struct RawSequence(Bytes);

impl RawSequence {
    fn slice(der: Bytes) -> der::Result<Self> {
        let mut reader = SliceReader::new(&der)?;
        let header = Header::decode(&mut reader)?;
        header.tag().assert_eq(Tag::Sequence)?;
        reader.read_slice(header.length())?;
        reader.finish()?;
        Ok(Self(der))
    }

    /// The octets after tag and length.
    fn value(&self) -> &[u8] {
        let long_form = match self.0.get(1) {
            Some(length) if *length >= 0x80 => usize::from(length & 0x7f),
            _ => 0,
        };
        self.0.get(2 + long_form..).unwrap_or_default()
    }
}

impl<'a> DecodeValue<'a> for RawSequence {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let value = reader.read_slice(header.length())?;
        let mut octets = Vec::with_capacity(value.len().saturating_add(6));
        Header::new(Tag::Sequence, header.length()).encode_to_vec(&mut octets)?;
        octets.extend_from_slice(value);
        Ok(Self(octets.into()))
    }
}

macro_rules! raw_sequences {
    ($($(#[$doc:meta])* $name:ident $part:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(RawSequence);

        impl $name {
            /// Takes one complete DER SEQUENCE.
            ///
            /// # Errors
            /// When the octets are not exactly one SEQUENCE. What is in it is not looked at.
            pub fn from_der(der: impl Into<Bytes>) -> Result<Self, DecodeError> {
                Self::slice(der.into()).map_err(|error| DecodeError::malformed($part, 0, error))
            }

            #[allow(dead_code, reason = "not every one of them is cut out of a message")]
            pub(crate) fn slice(der: Bytes) -> der::Result<Self> {
                RawSequence::slice(der).map(Self)
            }

            /// The octets, tag and length included.
            #[must_use]
            pub fn der(&self) -> &Bytes {
                &self.0.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({} octets)"), self.der().len())
            }
        }

        impl FixedTag for $name {
            const TAG: Tag = Tag::Sequence;
        }

        impl<'a> DecodeValue<'a> for $name {
            type Error = der::Error;

            fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
                RawSequence::decode_value(reader, header).map(Self)
            }
        }

        impl EncodeValue for $name {
            fn value_len(&self) -> der::Result<Length> {
                Length::try_from(self.0.value().len())
            }

            fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
                writer.write(self.0.value())
            }
        }
    )+};
}

raw_sequences! {
    /// CMPCertificate: an X.509 certificate as the message has it (RFC 9810 section 5.1).
    ///
    /// Not parsed on arrival: a stray certificate in extraCerts that nobody can read must not spoil the message.
    CmpCertificate "certificate";
    /// CertificateList: a CRL as the message has it.
    CertificateList "CRL";
    /// CertificationRequest: a PKCS#10 as the message has it (the body of p10cr).
    CertificationRequest "p10cr";
    /// A PKIMessage inside a nested message (RFC 9810 section 5.1.3.4); decode it with [`crate::PkiMessage::decode`].
    RawMessage "nested message";
    /// CMS EnvelopedData (RFC 5652 section 6.1) as the message has it, with the tag of a SEQUENCE also where the message tags it
    /// otherwise.
    EnvelopedData "EnvelopedData";
    /// POPOSigningKeyInput (RFC 4211 section 4.1): what the POP signature covers when the template lacks subject or key.
    ///
    /// The signature is over these octets: a SEQUENCE, not the `[0]` it bears in the message.
    PoposkInput "poposkInput";
}
