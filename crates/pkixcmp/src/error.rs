//! Why octets are not a message, and why a value cannot become one.

use der::{Decode, ErrorKind, Reader, SliceReader};

/// The octets are not a PKIMessage that this crate reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message is longer than the caller allows; nothing of it was read.
    #[error("the message has {length} octets, more than the {limit} allowed")]
    TooLong {
        /// Octets received.
        length: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// A part of the message is not the DER that belongs there.
    #[error("{part} is malformed at octet {offset}: {reason}")]
    Malformed {
        /// Which part: `message`, `header`, `protection`, `extraCerts`, or the name of the body.
        part: &'static str,
        /// Where, counted from the first octet of what was decoded.
        offset: usize,
        /// What was wrong.
        reason: Reason,
    },
}

/// What was wrong with the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason(ErrorKind);

impl Reason {
    /// The finding of the DER reader.
    #[must_use]
    pub fn kind(self) -> ErrorKind {
        self.0
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            ErrorKind::Overlength => {
                f.write_str("a list has more entries, or a value more octets, than allowed")
            }
            ErrorKind::IndefiniteLength => {
                f.write_str("indefinite length, which is BER; messages must be DER")
            }
            kind => kind.fmt(f),
        }
    }
}

impl DecodeError {
    /// An error of the DER reader in `part`, which began `base` octets into what was decoded.
    pub(crate) fn malformed(part: &'static str, base: usize, error: der::Error) -> Self {
        let within = error
            .position()
            .and_then(|position| usize::try_from(position).ok())
            .unwrap_or_default();
        Self::Malformed {
            part,
            offset: base.saturating_add(within),
            reason: Reason(error.kind()),
        }
    }
}

/// The value cannot be encoded: a list is longer than its bound, or a length does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part} cannot be encoded: {reason}")]
pub struct EncodeError {
    part: &'static str,
    reason: Reason,
}

impl EncodeError {
    pub(crate) fn new(part: &'static str, error: der::Error) -> Self {
        Self {
            part,
            reason: Reason(error.kind()),
        }
    }
}

/// Reads the only value in `der`; an error says where, also when the reader of a type did not.
pub(crate) fn decode<T: for<'a> Decode<'a, Error = der::Error>>(der: &[u8]) -> der::Result<T> {
    let mut reader = SliceReader::new(der)?;
    match T::decode(&mut reader) {
        Ok(value) => reader.finish().map(|()| value),
        Err(error) if error.position().is_some() => Err(error),
        Err(error) => Err(error.kind().at(reader.position())),
    }
}
