//! What of an entry is kept as bytes: postcard behind one version byte, in types of this crate, so that a change
//! elsewhere cannot silently change what old rows mean.

mod head;
mod phase;
mod refusal;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::Deserialize;

pub(crate) use head::{head_bytes, head_of};
pub(crate) use phase::{Kept, count, is_for_its_requester, phase_bytes, phase_of};

/// Why a row cannot be read. Says nothing of what it holds.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq)]
pub(crate) enum CodecError {
    /// Another program wrote it.
    #[error("it is in format {0}, this program knows 1: run the program that wrote it")]
    Version(u8),
    /// No bytes at all.
    #[error("it is empty")]
    Empty,
    /// The bytes do not decode.
    #[error("its {0} does not decode")]
    Damaged(&'static str),
}

const VERSION: u8 = 1;

fn sealed<T: Serialize>(value: &T, what: &'static str) -> Result<Vec<u8>, CodecError> {
    postcard::to_extend(value, vec![VERSION]).map_err(|_| CodecError::Damaged(what))
}

fn opened<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &'static str) -> Result<T, CodecError> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => match postcard::take_from_bytes(rest) {
            Ok((value, [])) => Ok(value),
            Ok(_) | Err(_) => Err(CodecError::Damaged(what)),
        },
        Some((&other, _)) => Err(CodecError::Version(other)),
        None => Err(CodecError::Empty),
    }
}

/// A time as nanoseconds: exact, and short as a variable-length number.
fn time_of(nanoseconds: i128) -> Result<Timestamp, CodecError> {
    Timestamp::from_nanosecond(nanoseconds).map_err(|_| CodecError::Damaged("time"))
}

fn span_of(nanoseconds: i128) -> Result<SignedDuration, CodecError> {
    let (seconds, rest) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    match (i64::try_from(seconds), i32::try_from(rest)) {
        (Ok(seconds), Ok(rest)) => Ok(SignedDuration::new(seconds, rest)),
        _ => Err(CodecError::Damaged("span")),
    }
}

#[cfg(test)]
mod tests;
