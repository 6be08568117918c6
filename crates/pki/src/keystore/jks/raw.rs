//! The bytes of a JKS file: big-endian numbers, and strings in Java's modified UTF-8.

use jiff::Timestamp;

use super::super::{Format, KeystoreError};
use super::SHA1_OUTPUT_LEN;
use crate::certificate::Certificate;

const MAGIC: u32 = 0xfeed_feed;
const KEY: u32 = 1;
const TRUSTED: u32 = 2;
const MAX_ENTRIES: u32 = 10_000;
const MAX_CHAIN: u32 = 100;

/// An entry before anything in it is believed.
pub(super) enum RawEntry<'a> {
    Key(RawKey<'a>),
    Trusted {
        alias: String,
        certificate: &'a [u8],
    },
}

pub(super) struct RawKey<'a> {
    pub(super) alias: String,
    pub(super) protected: &'a [u8],
    pub(super) chain: Vec<&'a [u8]>,
}

/// The entries, and how many bytes stand before the digest that ends the file.
pub(super) fn read(bytes: &[u8]) -> Result<(Vec<RawEntry<'_>>, usize), KeystoreError> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.u32()? != MAGIC {
        return Err(reader.malformed("no JKS magic number"));
    }
    let version = reader.u32()?;
    if !matches!(version, 1 | 2) {
        return Err(reader.malformed(&format!("version {version}, not 1 or 2")));
    }
    let count = reader.count("a number of entries of", MAX_ENTRIES)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(reader.entry(version)?);
    }
    let listed = reader.at;
    reader.take(SHA1_OUTPUT_LEN)?;
    match bytes.len() - reader.at {
        0 => Ok((entries, listed)),
        extra => Err(reader.malformed(&format!("{extra} bytes after its end"))),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn entry(&mut self, version: u32) -> Result<RawEntry<'a>, KeystoreError> {
        let kind = self.u32()?;
        let alias = self.text()?;
        self.take(8)?; // the date of the entry
        match kind {
            KEY => {
                let protected = self.bytes()?;
                let count = self.count("a chain of", MAX_CHAIN)?;
                let mut chain = Vec::new();
                for _ in 0..count {
                    chain.push(self.certificate(version)?);
                }
                Ok(RawEntry::Key(RawKey {
                    alias,
                    protected,
                    chain,
                }))
            }
            TRUSTED => {
                let certificate = self.certificate(version)?;
                Ok(RawEntry::Trusted { alias, certificate })
            }
            other => Err(self.malformed(&format!("entry {alias:?} has the unknown type {other}"))),
        }
    }

    fn certificate(&mut self, version: u32) -> Result<&'a [u8], KeystoreError> {
        if version == 2 {
            let kind = self.text()?;
            // Java writes "X.509"; keystore-go writes what its caller gave, cert-manager "X509".
            if !matches!(kind.as_str(), "X.509" | "X509") {
                return Err(self.malformed(&format!("a certificate of type {kind:?}, not X.509")));
            }
        }
        self.bytes()
    }

    fn bytes(&mut self) -> Result<&'a [u8], KeystoreError> {
        let length = self.u32()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn text(&mut self) -> Result<String, KeystoreError> {
        let length = self
            .take(2)?
            .iter()
            .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        let bytes = self.take(length)?;
        from_modified_utf8(bytes).ok_or_else(|| self.malformed("a string is not modified UTF-8"))
    }

    fn count(&mut self, what: &'static str, max: u32) -> Result<u32, KeystoreError> {
        match self.u32()? {
            value if value <= max => Ok(value),
            value => Err(KeystoreError::Excessive {
                format: Format::Jks,
                what,
                value: value.into(),
                max: max.into(),
            }),
        }
    }

    fn u32(&mut self) -> Result<u32, KeystoreError> {
        Ok(self
            .take(4)?
            .iter()
            .fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], KeystoreError> {
        let left = &self.bytes[self.at..];
        match left.get(..length) {
            Some(taken) => {
                self.at += length;
                Ok(taken)
            }
            None => Err(KeystoreError::Truncated {
                format: Format::Jks,
                missing: length - left.len(),
            }),
        }
    }

    fn malformed(&self, what: &str) -> KeystoreError {
        KeystoreError::Malformed {
            format: Format::Jks,
            detail: format!("{what} (before byte {})", self.at),
        }
    }
}

/// Makes a version 2 list of entries.
pub(super) struct Writer {
    bytes: Vec<u8>,
    created: [u8; 8],
}

impl Writer {
    pub(super) fn new(entries: usize, created: Timestamp) -> Result<Self, KeystoreError> {
        let mut writer = Self {
            bytes: Vec::new(),
            created: created.as_millisecond().to_be_bytes(),
        };
        writer.u32(MAGIC);
        writer.u32(2);
        writer.length(entries)?;
        Ok(writer)
    }

    pub(super) fn key(
        &mut self,
        alias: &str,
        protected: &[u8],
        chain: &[Certificate],
    ) -> Result<(), KeystoreError> {
        self.head(KEY, alias)?;
        self.counted(protected)?;
        self.length(chain.len())?;
        chain
            .iter()
            .try_for_each(|certificate| self.certificate(certificate))
    }

    pub(super) fn trusted(
        &mut self,
        alias: &str,
        certificate: &Certificate,
    ) -> Result<(), KeystoreError> {
        self.head(TRUSTED, alias)?;
        self.certificate(certificate)
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn head(&mut self, kind: u32, alias: &str) -> Result<(), KeystoreError> {
        self.u32(kind);
        self.text(alias)?;
        self.bytes.extend_from_slice(&self.created);
        Ok(())
    }

    fn certificate(&mut self, certificate: &Certificate) -> Result<(), KeystoreError> {
        self.text("X.509")?;
        self.counted(certificate.der())
    }

    fn text(&mut self, text: &str) -> Result<(), KeystoreError> {
        let bytes = to_modified_utf8(text);
        let length = u16::try_from(bytes.len()).map_err(|_| too_long())?;
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    fn counted(&mut self, bytes: &[u8]) -> Result<(), KeystoreError> {
        self.length(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn length(&mut self, length: usize) -> Result<(), KeystoreError> {
        self.u32(u32::try_from(length).map_err(|_| too_long())?);
        Ok(())
    }

    fn u32(&mut self, number: u32) {
        self.bytes.extend_from_slice(&number.to_be_bytes());
    }
}

fn too_long() -> KeystoreError {
    KeystoreError::Write {
        format: Format::Jks,
        detail: "an entry is longer than the format can say".into(),
    }
}

/// `java.io.DataInput`: UTF-16 units in one to three bytes each, so that NUL takes two bytes and a pair of surrogates six.
fn from_modified_utf8(bytes: &[u8]) -> Option<String> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&first) = rest.next() {
        let mut more = |unit: u16| {
            let byte = *rest.next()?;
            (byte & 0xc0 == 0x80).then(|| unit << 6 | u16::from(byte & 0x3f))
        };
        units.push(match first {
            0x00..=0x7f => first.into(),
            0xc0..=0xdf => more(u16::from(first & 0x1f))?,
            0xe0..=0xef => more(u16::from(first & 0x0f)).and_then(more)?,
            _ => return None,
        });
    }
    String::from_utf16(&units).ok()
}

fn to_modified_utf8(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        let [.., low] = unit.to_be_bytes();
        let tail = 0x80 | low & 0x3f;
        let middle = (unit >> 6) as u8 & 0x3f;
        match unit {
            0x01..=0x7f => bytes.push(low),
            0 | 0x80..=0x7ff => bytes.extend([0xc0 | middle & 0x1f, tail]),
            0x800.. => bytes.extend([0xe0 | (unit >> 12) as u8, 0x80 | middle, tail]),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modified_utf8_carries_nul_umlauts_and_surrogate_pairs() {
        for text in [
            "plain",
            "nul\0nul",
            "Zertifikat-\u{fc}",
            "\u{20ac}",
            "key \u{1f511}",
        ] {
            assert_eq!(
                from_modified_utf8(&to_modified_utf8(text)).as_deref(),
                Some(text)
            );
        }
        assert_eq!(
            to_modified_utf8("\0\u{fc}\u{20ac}"),
            b"\xc0\x80\xc3\xbc\xe2\x82\xac"
        );
    }

    #[test]
    fn a_string_that_breaks_off_inside_a_character_is_refused() {
        assert_eq!(from_modified_utf8(b"a\xc3"), None);
        assert_eq!(from_modified_utf8(b"\xe2\x82"), None);
        assert_eq!(from_modified_utf8(b"\xf0\x9f\x94\x91"), None);
    }
}
