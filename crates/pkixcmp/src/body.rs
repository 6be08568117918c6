//! [`PkiBody`]: what a message is about (RFC 9810 section 5.1.2).

pub mod announce;
pub mod challenge;
pub mod confirm;
pub mod enroll;
pub mod failure;
pub mod poll;
pub mod revoke;

use bytes::Bytes;
use der::asn1::Null;
use der::{Decode, Encode, Header, Reader, SliceReader, Tag};

use crate::body::announce::{CaKeyUpdContent, RevAnnContent};
use crate::body::challenge::{ChallengeResponses, Challenges};
use crate::body::confirm::CertConfirmContent;
use crate::body::enroll::{CertRepMessage, KeyRecRepContent};
use crate::body::failure::ErrorMsgContent;
use crate::body::poll::{PollRepContent, PollReqContent};
use crate::body::revoke::{RevRepContent, RevReqContent};
use crate::crmf::CertReqMessages;
use crate::error::{DecodeError, EncodeError, decode};
use crate::info::Infos;
use crate::limits;
use crate::list::List;
use crate::raw::{CertificateList, CertificationRequest, CmpCertificate, RawMessage};
use crate::tlv::{context, elements, tlv};

/// PKIBody: one variant per type of message, named as in the ASN.1 module.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PkiBody {
    /// \[0\] Initialization request: the first certificate of an end entity.
    Ir(CertReqMessages),
    /// \[1\] Initialization response.
    Ip(CertRepMessage),
    /// \[2\] Certification request: one more certificate.
    Cr(CertReqMessages),
    /// \[3\] Certification response, also to p10cr.
    Cp(CertRepMessage),
    /// \[4\] Certification request as PKCS#10.
    P10cr(CertificationRequest),
    /// \[5\] POP challenge.
    Popdecc(Challenges),
    /// \[6\] POP response.
    Popdecr(ChallengeResponses),
    /// \[7\] Key update request.
    Kur(CertReqMessages),
    /// \[8\] Key update response.
    Kup(CertRepMessage),
    /// \[9\] Key recovery request.
    Krr(CertReqMessages),
    /// \[10\] Key recovery response.
    Krp(KeyRecRepContent),
    /// \[11\] Revocation request.
    Rr(RevReqContent),
    /// \[12\] Revocation response.
    Rp(RevRepContent),
    /// \[13\] Cross-certification request.
    Ccr(CertReqMessages),
    /// \[14\] Cross-certification response.
    Ccp(CertRepMessage),
    /// \[15\] CA key update announcement.
    Ckuann(CaKeyUpdContent),
    /// \[16\] Certificate announcement.
    Cann(CmpCertificate),
    /// \[17\] Revocation announcement.
    Rann(RevAnnContent),
    /// \[18\] CRL announcement.
    Crlann(List<CertificateList, { limits::CRLS }>),
    /// \[19\] Confirmation.
    Pkiconf,
    /// \[20\] Messages inside this message, not decoded: who does decode them decides how deep to go.
    Nested(Vec<RawMessage>),
    /// \[21\] General message: questions.
    Genm(Infos),
    /// \[22\] General response.
    Genp(Infos),
    /// \[23\] Error.
    Error(ErrorMsgContent),
    /// \[24\] Certificate confirmation.
    CertConf(CertConfirmContent),
    /// \[25\] Polling request.
    PollReq(PollReqContent),
    /// \[26\] Polling response.
    PollRep(PollRepContent),
    /// A type this crate does not know, carried.
    Unknown {
        /// The number of its tag.
        tag: u32,
        /// The octets inside the tag.
        content: Bytes,
    },
}

const NAMES: [&str; 27] = [
    "ir", "ip", "cr", "cp", "p10cr", "popdecc", "popdecr", "kur", "kup", "krr", "krp", "rr", "rp",
    "ccr", "ccp", "ckuann", "cann", "rann", "crlann", "pkiconf", "nested", "genm", "genp", "error",
    "certConf", "pollReq", "pollRep",
];

impl PkiBody {
    /// The number of the tag that tells the type in the message.
    #[must_use]
    pub fn tag(&self) -> u32 {
        match self {
            Self::Ir(_) => 0,
            Self::Ip(_) => 1,
            Self::Cr(_) => 2,
            Self::Cp(_) => 3,
            Self::P10cr(_) => 4,
            Self::Popdecc(_) => 5,
            Self::Popdecr(_) => 6,
            Self::Kur(_) => 7,
            Self::Kup(_) => 8,
            Self::Krr(_) => 9,
            Self::Krp(_) => 10,
            Self::Rr(_) => 11,
            Self::Rp(_) => 12,
            Self::Ccr(_) => 13,
            Self::Ccp(_) => 14,
            Self::Ckuann(_) => 15,
            Self::Cann(_) => 16,
            Self::Rann(_) => 17,
            Self::Crlann(_) => 18,
            Self::Pkiconf => 19,
            Self::Nested(_) => 20,
            Self::Genm(_) => 21,
            Self::Genp(_) => 22,
            Self::Error(_) => 23,
            Self::CertConf(_) => 24,
            Self::PollReq(_) => 25,
            Self::PollRep(_) => 26,
            Self::Unknown { tag, .. } => *tag,
        }
    }

    /// The name of the type in the ASN.1 module, or `unknown`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        name(self.tag())
    }

    /// The requests of ir, cr, kur, krr and ccr.
    #[must_use]
    pub fn requests(&self) -> Option<&CertReqMessages> {
        match self {
            Self::Ir(requests)
            | Self::Cr(requests)
            | Self::Kur(requests)
            | Self::Krr(requests)
            | Self::Ccr(requests) => Some(requests),
            _ => None,
        }
    }

    /// The answers of ip, cp, kup and ccp.
    #[must_use]
    pub fn responses(&self) -> Option<&CertRepMessage> {
        match self {
            Self::Ip(responses)
            | Self::Cp(responses)
            | Self::Kup(responses)
            | Self::Ccp(responses) => Some(responses),
            _ => None,
        }
    }

    /// Reads a body: the tag of its type and what is in it.
    ///
    /// # Errors
    /// When the octets are not one DER value with a context-specific tag, or not what belongs into a body of that type.
    pub fn decode(der: impl Into<Bytes>) -> Result<Self, DecodeError> {
        Self::decode_at(&der.into(), 0)
    }

    /// The body as DER.
    ///
    /// # Errors
    /// When a list is longer than its bound or a length does not fit.
    pub fn to_der(&self) -> Result<Bytes, EncodeError> {
        let content = self
            .content()
            .map_err(|error| EncodeError::new(self.name(), error))?;
        Ok(tlv(context(self.tag()), [content.as_slice()]).into())
    }

    /// Reads a body that stands `base` octets into a message.
    pub(crate) fn decode_at(der: &Bytes, base: usize) -> Result<Self, DecodeError> {
        let split = || -> der::Result<(u32, usize)> {
            let mut reader = SliceReader::new(der)?;
            let header = Header::decode(&mut reader)?;
            let Tag::ContextSpecific {
                constructed: true,
                number,
            } = header.tag()
            else {
                return Err(header.tag().unexpected_error(None).at(der::Length::ZERO));
            };
            let content = reader.position();
            reader.read_slice(header.length())?;
            reader.finish()?;
            Ok((number.value(), usize::try_from(content)?))
        };
        let (tag, start) = split().map_err(|error| DecodeError::malformed("body", base, error))?;
        let content = der.slice(start..);
        Self::decode_content(tag, &content)
            .map_err(|error| DecodeError::malformed(name(tag), base.saturating_add(start), error))
    }

    fn decode_content(tag: u32, content: &Bytes) -> der::Result<Self> {
        Ok(match tag {
            0 => Self::Ir(decode(content)?),
            1 => Self::Ip(decode(content)?),
            2 => Self::Cr(decode(content)?),
            3 => Self::Cp(decode(content)?),
            4 => Self::P10cr(CertificationRequest::slice(content.clone())?),
            5 => Self::Popdecc(decode(content)?),
            6 => Self::Popdecr(decode(content)?),
            7 => Self::Kur(decode(content)?),
            8 => Self::Kup(decode(content)?),
            9 => Self::Krr(decode(content)?),
            10 => Self::Krp(decode(content)?),
            11 => Self::Rr(decode(content)?),
            12 => Self::Rp(decode(content)?),
            13 => Self::Ccr(decode(content)?),
            14 => Self::Ccp(decode(content)?),
            15 => Self::Ckuann(decode(content)?),
            16 => Self::Cann(CmpCertificate::slice(content.clone())?),
            17 => Self::Rann(decode(content)?),
            18 => Self::Crlann(decode(content)?),
            19 => decode(content).map(|Null| Self::Pkiconf)?,
            20 => Self::Nested(
                elements(content, limits::NESTED)?
                    .into_iter()
                    .map(|message| RawMessage::slice(content.slice_ref(message)))
                    .collect::<der::Result<_>>()?,
            ),
            21 => Self::Genm(decode(content)?),
            22 => Self::Genp(decode(content)?),
            23 => Self::Error(decode(content)?),
            24 => Self::CertConf(decode(content)?),
            25 => Self::PollReq(decode(content)?),
            26 => Self::PollRep(decode(content)?),
            tag => Self::Unknown {
                tag,
                content: content.clone(),
            },
        })
    }

    fn content(&self) -> der::Result<Vec<u8>> {
        match self {
            Self::Ir(requests)
            | Self::Cr(requests)
            | Self::Kur(requests)
            | Self::Krr(requests)
            | Self::Ccr(requests) => requests.to_der(),
            Self::Ip(responses)
            | Self::Cp(responses)
            | Self::Kup(responses)
            | Self::Ccp(responses) => responses.to_der(),
            Self::P10cr(request) => Ok(request.der().to_vec()),
            Self::Popdecc(challenges) => challenges.to_der(),
            Self::Popdecr(responses) => responses.to_der(),
            Self::Krp(content) => content.to_der(),
            Self::Rr(content) => content.to_der(),
            Self::Rp(content) => content.to_der(),
            Self::Ckuann(content) => content.to_der(),
            Self::Cann(certificate) => Ok(certificate.der().to_vec()),
            Self::Rann(content) => content.to_der(),
            Self::Crlann(crls) => crls.to_der(),
            Self::Pkiconf => Null.to_der(),
            Self::Nested(messages) if messages.len() > limits::NESTED => {
                Err(der::ErrorKind::Overlength.into())
            }
            Self::Nested(messages) => Ok(tlv(
                Tag::Sequence,
                messages.iter().map(|message| message.der().as_ref()),
            )),
            Self::Genm(infos) | Self::Genp(infos) => infos.to_der(),
            Self::Error(content) => content.to_der(),
            Self::CertConf(content) => content.to_der(),
            Self::PollReq(content) => content.to_der(),
            Self::PollRep(content) => content.to_der(),
            Self::Unknown { content, .. } => Ok(content.to_vec()),
        }
    }
}

fn name(tag: u32) -> &'static str {
    usize::try_from(tag)
        .ok()
        .and_then(|tag| NAMES.get(tag))
        .copied()
        .unwrap_or("unknown")
}
