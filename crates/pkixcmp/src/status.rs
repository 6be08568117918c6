//! What a PKI message says about success and failure: [`PkiStatus`], and with texts and [`PkiFailureInfo`], [`PkiStatusInfo`]
//! (RFC 9810 section 5.2.3).

use std::fmt;

use der::{DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, Tag, Writer};
use serde::{Deserialize, Serialize};

use crate::failure_info::PkiFailureInfo;
use crate::list::FreeText;

/// Most characters of one text, and most texts, that [`PkiStatusInfo::texts_for_display`] passes on.
const TEXT_LIMIT: usize = 512;
const TEXTS_LIMIT: usize = 8;

/// PKIStatus: how a request, or one part of it, went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PkiStatus {
    /// 0: granted exactly as asked.
    Accepted,
    /// 1: granted, but not quite as asked; the requester has to look at what it got.
    GrantedWithMods,
    /// 2: not granted; more is in the text and in the failure information.
    Rejection,
    /// 3: not decided yet; the requester polls.
    Waiting,
    /// 4: the certificate is about to be revoked.
    RevocationWarning,
    /// 5: the certificate has been revoked.
    RevocationNotification,
    /// 6: the certificate named as the old one in a key update was updated already.
    KeyUpdateWarning,
}

impl PkiStatus {
    const ALL: [Self; 7] = [
        Self::Accepted,
        Self::GrantedWithMods,
        Self::Rejection,
        Self::Waiting,
        Self::RevocationWarning,
        Self::RevocationNotification,
        Self::KeyUpdateWarning,
    ];

    /// The number that stands in the message.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether what was asked for has been granted, with or without changes.
    #[must_use]
    pub fn is_granted(self) -> bool {
        matches!(self, Self::Accepted | Self::GrantedWithMods)
    }

    /// The name in the ASN.1 module.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::GrantedWithMods => "grantedWithMods",
            Self::Rejection => "rejection",
            Self::Waiting => "waiting",
            Self::RevocationWarning => "revocationWarning",
            Self::RevocationNotification => "revocationNotification",
            Self::KeyUpdateWarning => "keyUpdateWarning",
        }
    }
}

impl fmt::Display for PkiStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FixedTag for PkiStatus {
    const TAG: Tag = Tag::Integer;
}

impl<'a> DecodeValue<'a> for PkiStatus {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        let code = u64::decode_value(reader, header)?;
        let known = usize::try_from(code)
            .ok()
            .and_then(|code| Self::ALL.get(code))
            .copied();
        known.ok_or_else(|| reader.error(Tag::Integer.value_error()))
    }
}

impl EncodeValue for PkiStatus {
    fn value_len(&self) -> der::Result<Length> {
        Ok(Length::ONE)
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write_byte(self.code())
    }
}

/// PKIStatusInfo: a status, texts for people, and the reasons of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PkiStatusInfo {
    /// How it went.
    pub status: PkiStatus,
    /// PKIFreeText as received or to be sent. What a peer wrote is shown only by way of [`Self::texts_for_display`].
    pub texts: Vec<String>,
    /// Why it failed.
    pub failure: Option<PkiFailureInfo>,
}

impl PkiStatusInfo {
    /// The request is granted as asked.
    #[must_use]
    pub fn accepted() -> Self {
        Self {
            status: PkiStatus::Accepted,
            texts: Vec::new(),
            failure: None,
        }
    }

    /// The request is not decided yet.
    #[must_use]
    pub fn waiting() -> Self {
        Self {
            status: PkiStatus::Waiting,
            texts: Vec::new(),
            failure: None,
        }
    }

    /// The request is refused, with the reasons and a text for whoever reads the requester's log (none when empty).
    #[must_use]
    pub fn rejection(failure: PkiFailureInfo, text: impl Into<String>) -> Self {
        let text = text.into();
        let texts = if text.is_empty() {
            Vec::new()
        } else {
            vec![text]
        };
        Self {
            status: PkiStatus::Rejection,
            texts,
            failure: (!failure.is_empty()).then_some(failure),
        }
    }

    /// The texts made safe to show: at most eight of at most 512 characters, control and formatting characters replaced by spaces, empty
    /// ones left out.
    #[must_use]
    pub fn texts_for_display(&self) -> Vec<String> {
        self.texts
            .iter()
            .map(|text| displayable(text))
            .filter(|text| !text.is_empty())
            .take(TEXTS_LIMIT)
            .collect()
    }
}

/// One text of a peer made safe to show: at most 512 characters, control and bidirectional formatting characters replaced by spaces.
#[must_use]
pub fn displayable(text: &str) -> String {
    let harmless = |c: char| match c {
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    text.chars()
        .take(TEXT_LIMIT)
        .map(harmless)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Status, texts, reasons: `rejection: no such profile (badRequest, badCertTemplate)`.
impl fmt::Display for PkiStatusInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        let texts = self.texts_for_display();
        if !texts.is_empty() {
            write!(f, ": {}", texts.join("; "))?;
        }
        match self.failure {
            Some(failure) if !failure.is_empty() => write!(f, " ({failure})"),
            _ => Ok(()),
        }
    }
}

impl FixedTag for PkiStatusInfo {
    const TAG: Tag = Tag::Sequence;
}

impl<'a> DecodeValue<'a> for PkiStatusInfo {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _header: Header) -> der::Result<Self> {
        let status = reader.decode()?;
        let texts = reader.decode::<Option<FreeText>>()?.unwrap_or_default();
        let texts = texts.into_vec();
        let failure = reader.decode()?;
        Ok(Self {
            status,
            texts,
            failure,
        })
    }
}

impl EncodeValue for PkiStatusInfo {
    fn value_len(&self) -> der::Result<Length> {
        self.status.encoded_len()?
            + self
                .free_text()
                .map_or(Ok(Length::ZERO), Vec::encoded_len)?
            + self.failure.encoded_len()?
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.status.encode(writer)?;
        if let Some(texts) = self.free_text() {
            texts.encode(writer)?;
        }
        self.failure.encode(writer)
    }
}

impl PkiStatusInfo {
    /// PKIFreeText has at least one entry, so none at all means absent.
    fn free_text(&self) -> Option<&Vec<String>> {
        (!self.texts.is_empty()).then_some(&self.texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::Decode;

    #[test]
    fn every_status_has_the_number_of_the_rfc() {
        for (status, code) in PkiStatus::ALL.into_iter().zip(0u8..) {
            assert_eq!(status.to_der().unwrap(), [2, 1, code]);
            assert_eq!(PkiStatus::from_der(&[2, 1, code]).unwrap(), status);
        }
        assert_eq!(PkiStatus::Waiting.code(), 3);
        assert!(PkiStatus::from_der(&[2, 1, 7]).is_err());
        assert!(PkiStatus::from_der(&[2, 1, 0xff]).is_err());
        assert!(PkiStatus::from_der(&[2, 2, 1, 0]).is_err());
    }

    #[test]
    fn a_status_info_leaves_out_what_is_absent() {
        assert_eq!(
            PkiStatusInfo::accepted().to_der().unwrap(),
            [0x30, 3, 2, 1, 0]
        );
        let refused = PkiStatusInfo::rejection(PkiFailureInfo::BAD_POP, "no");
        let encoded = [
            0x30, 14, 2, 1, 2, 0x30, 4, 12, 2, b'n', b'o', 3, 3, 6, 0, 0x40,
        ];
        assert_eq!(refused.to_der().unwrap(), encoded);
        assert_eq!(PkiStatusInfo::from_der(&encoded).unwrap(), refused);
        assert_eq!(refused.to_string(), "rejection: no (badPOP)");
    }

    #[test]
    fn more_texts_than_anyone_needs_are_refused() {
        let info = PkiStatusInfo {
            texts: vec![String::new(); 33],
            ..PkiStatusInfo::accepted()
        };
        assert!(PkiStatusInfo::from_der(&info.to_der().unwrap()).is_err());
    }

    #[test]
    fn texts_of_a_peer_are_cut_and_cleaned_before_they_are_shown() {
        let texts = [
            "x".repeat(5000),
            "a\u{1b}[31m\nb\u{202e}c".into(),
            "\r\n".into(),
        ]
        .into_iter();
        let info = PkiStatusInfo {
            texts: texts.chain((0..50).map(|n| n.to_string())).collect(),
            ..PkiStatusInfo::accepted()
        };
        let shown = info.texts_for_display();
        assert_eq!(shown.len(), 8);
        assert_eq!(shown[0].len(), 512);
        assert_eq!(shown[1], "a [31m b c");
        assert_eq!(shown[2], "0");
    }
}
