//! [`List`]: a SEQUENCE OF that refuses to grow past its bound.

use std::ops::{Deref, DerefMut};

use der::{
    Decode, DecodeValue, Encode, EncodeValue, ErrorKind, FixedTag, Header, Length, Reader, Tag,
    Writer,
};

use crate::limits;

/// PKIFreeText: texts for people, UTF-8, in the order of the message (RFC 9810 section 5.1.1).
pub type FreeText = List<String, { limits::TEXTS }>;

/// A `SEQUENCE OF T` with at most `MAX` entries.
///
/// Reading stops with an error at entry `MAX + 1`; encoding a longer list is an error too. The lower bound that most ASN.1 lists
/// have (`SIZE (1..MAX)`) is not checked here: some peers send empty lists, and what an empty list means is for the caller to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// The list without an entry.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Most entries this list may have.
    pub const MAX: usize = MAX;

    /// The entries.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T, const MAX: usize> DerefMut for List<T, MAX> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T, const MAX: usize> From<Vec<T>> for List<T, MAX> {
    fn from(entries: Vec<T>) -> Self {
        Self(entries)
    }
}

impl<T, const MAX: usize, const N: usize> From<[T; N]> for List<T, MAX> {
    fn from(entries: [T; N]) -> Self {
        Self(entries.into())
    }
}

impl<T, const MAX: usize> FromIterator<T> for List<T, MAX> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

impl<T, const MAX: usize> IntoIterator for List<T, MAX> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'l, T, const MAX: usize> IntoIterator for &'l List<T, MAX> {
    type Item = &'l T;
    type IntoIter = std::slice::Iter<'l, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T, const MAX: usize> FixedTag for List<T, MAX> {
    const TAG: Tag = Tag::Sequence;
}

impl<'a, T: Decode<'a, Error = der::Error>, const MAX: usize> DecodeValue<'a> for List<T, MAX> {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, _header: Header) -> der::Result<Self> {
        let mut entries = Vec::new();
        while !reader.is_finished() {
            if entries.len() == MAX {
                return Err(reader.error(ErrorKind::Overlength));
            }
            entries.push(T::decode(reader)?);
        }
        Ok(Self(entries))
    }
}

impl<T: Encode, const MAX: usize> EncodeValue for List<T, MAX> {
    fn value_len(&self) -> der::Result<Length> {
        if self.0.len() > MAX {
            return Err(ErrorKind::Overlength.into());
        }
        self.0.iter().try_fold(Length::ZERO, |length, entry| {
            length + entry.encoded_len()?
        })
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        self.0.iter().try_for_each(|entry| entry.encode(writer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_at_its_bound_is_read_and_one_longer_is_refused() {
        let two = List::<u8, 2>::from([1, 2]).to_der().unwrap();
        assert_eq!(*List::<u8, 2>::from_der(&two).unwrap(), [1, 2]);
        assert_eq!(
            List::<u8, 1>::from_der(&two).unwrap_err().kind(),
            ErrorKind::Overlength
        );
    }

    #[test]
    fn a_list_past_its_bound_is_not_encoded() {
        assert_eq!(
            List::<u8, 1>::from([1, 2]).to_der().unwrap_err().kind(),
            ErrorKind::Overlength
        );
    }
}
