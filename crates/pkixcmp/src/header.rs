//! [`PkiHeader`]: who speaks to whom, in which transaction, protected how (RFC 9810 section 5.1.1).

use der::Sequence;
use der::asn1::OctetString;
use der::{DecodeValue, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};
use pki::GeneralName;
use spki::AlgorithmIdentifierOwned;

use crate::info::Infos;
use crate::list::FreeText;
use crate::time::GeneralizedTime;

/// PKIHeader.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PkiHeader {
    /// The version of the syntax.
    pub pvno: Pvno,
    /// Who sends; the NULL-DN where only senderKID tells.
    pub sender: GeneralName,
    /// Who is meant to read it.
    pub recipient: GeneralName,
    /// When the sender made the message.
    #[asn1(context_specific = "0", optional = "true")]
    pub message_time: Option<GeneralizedTime>,
    /// How the message is protected; parameters absent or NULL as they came.
    #[asn1(context_specific = "1", optional = "true")]
    pub protection_alg: Option<AlgorithmIdentifierOwned>,
    /// Which key protects it: a subject key identifier, or the reference value of a shared secret.
    #[asn1(context_specific = "2", optional = "true")]
    pub sender_kid: Option<OctetString>,
    /// Which key of the recipient is meant.
    #[asn1(context_specific = "3", optional = "true")]
    pub recip_kid: Option<OctetString>,
    /// The transaction this message belongs to.
    #[asn1(context_specific = "4", optional = "true")]
    pub transaction_id: Option<OctetString>,
    /// Fresh in every message.
    #[asn1(context_specific = "5", optional = "true")]
    pub sender_nonce: Option<OctetString>,
    /// The senderNonce this message answers.
    #[asn1(context_specific = "6", optional = "true")]
    pub recip_nonce: Option<OctetString>,
    /// Words for people.
    #[asn1(context_specific = "7", optional = "true")]
    pub free_text: Option<FreeText>,
    /// More about the message: implicitConfirm, certProfile and the like.
    #[asn1(context_specific = "8", optional = "true")]
    pub general_info: Option<Infos>,
}

/// pvno: the version number, kept whatever it is.
///
/// Real servers answer errors with 1, and a version that is not known has to be answered, not dropped (RFC 9810 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pvno(pub u32);

impl Pvno {
    /// cmp1999(1), RFC 2510; seen in errors of servers that know better.
    pub const CMP1999: Self = Self(1);
    /// cmp2000(2), RFC 4210.
    pub const CMP2000: Self = Self(2);
    /// cmp2021(3), RFC 9810: for EnvelopedData, hashAlg in certConf and what came with them.
    pub const CMP2021: Self = Self(3);
}

impl FixedTag for Pvno {
    const TAG: Tag = Tag::Integer;
}

impl<'a> DecodeValue<'a> for Pvno {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        u32::decode_value(reader, header).map(Self)
    }
}

impl EncodeValue for Pvno {
    fn value_len(&self) -> der::Result<Length> {
        self.0.value_len()
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.encode_value(writer)
    }
}
