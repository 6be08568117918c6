//! DER as tags, lengths and values, read and written without any of the code under test.

/// One element, its header taken apart.
pub(crate) struct Tlv<'a> {
    /// The identifier octets.
    pub(crate) tag: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) rest: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// The element at the start of `octets`, if there is a whole one.
    pub(crate) fn first(octets: &'a [u8]) -> Option<Self> {
        let mut at = 1;
        if octets.first()? & 0x1f == 0x1f {
            while octets.get(at)? & 0x80 != 0 {
                at += 1;
            }
            at += 1;
        }
        let (tag, after) = octets.split_at_checked(at)?;
        let (&length, after) = after.split_first()?;
        let (length, after) = match length {
            0..=0x7f => (usize::from(length), after),
            0x81..=0x84 => {
                let (digits, after) = after.split_at_checked(usize::from(length & 0x7f))?;
                let sum = digits
                    .iter()
                    .fold(0usize, |sum, digit| sum << 8 | usize::from(*digit));
                (sum, after)
            }
            _ => return None,
        };
        let (value, rest) = after.split_at_checked(length)?;
        Some(Self { tag, value, rest })
    }

    pub(crate) fn is_constructed(&self) -> bool {
        self.tag[0] & 0x20 != 0
    }
}

/// An element with a one-octet tag.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut octets = vec![tag];
    octets.extend(length(value.len()));
    octets.extend_from_slice(value);
    octets
}

/// `core` inside `depth` elements of this tag, as far as `most` octets allow.
pub(crate) fn wrapped(tag: u8, depth: usize, core: &[u8], most: usize) -> Vec<u8> {
    let mut backwards: Vec<u8> = core.iter().rev().copied().collect();
    for _ in 0..depth {
        if backwards.len() + 6 > most {
            break;
        }
        let length = length(backwards.len());
        backwards.extend(length.into_iter().rev());
        backwards.push(tag);
    }
    backwards.reverse();
    backwards
}

fn length(length: usize) -> Vec<u8> {
    let digits: Vec<u8> = length
        .to_be_bytes()
        .into_iter()
        .skip_while(|digit| *digit == 0)
        .collect();
    match (length, u8::try_from(digits.len())) {
        (0..=0x7f, Ok(_)) => vec![u8::try_from(length).unwrap_or_default()],
        (_, Ok(count)) => [vec![0x80 | count], digits].concat(),
        (_, Err(_)) => unreachable!("a usize has at most eight octets"),
    }
}

/// The same value whichever of the forms that a reader may put in order was written: zeros at the end of named bits, a FALSE that is the
/// default, the order in a SET.
pub(crate) fn in_order(octets: &[u8]) -> Vec<u8> {
    ordered(octets, 0).unwrap_or_else(|| octets.to_vec())
}

const BOOLEAN: u8 = 0x01;
const BIT_STRING: u8 = 0x03;
const SET: u8 = 0x31;
/// Far deeper than anything that is parsed; what is below is compared as it is.
const DEEPEST: usize = 200;

fn ordered(mut octets: &[u8], depth: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while !octets.is_empty() {
        let element = Tlv::first(octets)?;
        octets = element.rest;
        if element.tag == [BOOLEAN] && element.value == [0] {
            continue;
        }
        let value = match element.tag {
            [BIT_STRING] => without_zeros_at_its_end(element.value),
            [SET] => {
                let mut members = Vec::new();
                let mut rest = element.value;
                while !rest.is_empty() {
                    let member = Tlv::first(rest)?;
                    let whole = &rest[..rest.len() - member.rest.len()];
                    members.push(ordered(whole, depth + 1).unwrap_or_else(|| whole.to_vec()));
                    rest = member.rest;
                }
                members.sort();
                members.concat()
            }
            _ if element.is_constructed() && depth < DEEPEST => {
                ordered(element.value, depth + 1).unwrap_or_else(|| element.value.to_vec())
            }
            _ => element.value.to_vec(),
        };
        out.extend_from_slice(element.tag);
        out.extend(length(value.len()));
        out.extend(value);
    }
    Some(out)
}

fn without_zeros_at_its_end(bits: &[u8]) -> Vec<u8> {
    let Some((_, octets)) = bits.split_first() else {
        return Vec::new();
    };
    let used = octets
        .iter()
        .rposition(|octet| *octet != 0)
        .map_or(0, |last| last + 1);
    octets[..used].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_is_found_inside_as_often_as_it_was_wrapped() {
        let wrapped = wrapped(0x30, 300, &[5, 0], 1 << 20);
        let mut rest = wrapped.as_slice();
        for _ in 0..300 {
            let element = Tlv::first(rest).unwrap();
            assert!(element.tag == [0x30] && element.rest.is_empty());
            rest = element.value;
        }
        assert_eq!(rest, [5, 0]);
    }

    #[test]
    fn only_order_zeros_and_defaults_are_overlooked() {
        let set = |members: [&[u8]; 2]| in_order(&tlv(SET, &members.concat()));
        assert_eq!(set([&[2, 1, 1], &[2, 1, 2]]), set([&[2, 1, 2], &[2, 1, 1]]));
        assert_ne!(set([&[2, 1, 1], &[2, 1, 2]]), set([&[2, 1, 1], &[2, 1, 1]]));
        assert_eq!(in_order(&[3, 3, 0, 0x80, 0]), in_order(&[3, 2, 7, 0x80]));
        assert_ne!(in_order(&[3, 2, 7, 0x80]), in_order(&[3, 2, 6, 0xc0]));
        assert_eq!(
            in_order(&tlv(0x30, &[1, 1, 0, 5, 0])),
            in_order(&tlv(0x30, &[5, 0]))
        );
        assert_ne!(in_order(&[1, 1, 0xff]), in_order(&[]));
    }
}
