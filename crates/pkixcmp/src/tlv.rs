//! DER by tag, length and value alone: put together from pieces, and taken apart without looking into them.

use bytes::Bytes;
use der::{Decode, Encode, Header, Length, Reader, SliceReader, Tag, TagNumber};

/// A SEQUENCE of pieces that are DER already.
pub(crate) fn sequence<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Bytes {
    tlv(Tag::Sequence, pieces).into()
}

/// A value made of pieces, with tag and length before it.
pub(crate) fn tlv<'p>(tag: Tag, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let value = pieces.into_iter().collect::<Vec<_>>().concat();
    // Only 4 GiB and more have no length; what is made here was bounded before.
    let length = Length::try_from(value.len()).unwrap_or(Length::ZERO);
    let mut octets = Vec::with_capacity(value.len().saturating_add(8));
    if Header::new(tag, length).encode_to_vec(&mut octets).is_ok() {
        octets.extend_from_slice(&value);
    }
    octets
}

/// The tag `[number]` of a constructed value.
pub(crate) fn context(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    }
}

/// The TLV inside an explicitly tagged optional field.
pub(crate) fn explicit<'m>(
    reader: &mut SliceReader<'m>,
    number: u32,
) -> der::Result<Option<&'m [u8]>> {
    if reader.is_finished() {
        return Ok(None);
    }
    if Header::peek(reader)?.tag() != context(number) {
        return Ok(None);
    }
    let header = Header::decode(reader)?;
    reader
        .read_nested(header.length(), Reader::tlv_bytes)
        .map(Some)
}

/// The TLVs inside a SEQUENCE OF, at most `limit`.
pub(crate) fn elements(list: &[u8], limit: usize) -> der::Result<Vec<&[u8]>> {
    let mut reader = SliceReader::new(list)?;
    let elements = reader.sequence(|reader| -> der::Result<Vec<&[u8]>> {
        let mut elements = Vec::new();
        while !reader.is_finished() {
            if elements.len() == limit {
                return Err(reader.error(der::ErrorKind::Overlength));
            }
            elements.push(reader.tlv_bytes()?);
        }
        Ok(elements)
    })?;
    reader.finish()?;
    Ok(elements)
}
