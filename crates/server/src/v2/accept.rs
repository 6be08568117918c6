//! Which of the forms we can make the client likes best (RFC 9110 section 12.5.1).

use axum::http::{HeaderMap, header};

/// More media ranges than this in one request are not looked at.
const MOST_RANGES: usize = 64;
/// A weight of 1, in thousandths.
const WHOLE: u16 = 1000;

/// The place in `offered` of the form with the highest weight; among equals the first. `None`: the client takes none of them.
pub(super) fn choose(fields: &HeaderMap, offered: &[&str]) -> Option<usize> {
    let texts = fields.get_all(header::ACCEPT).iter();
    let ranges: Vec<Range<'_>> = texts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(Range::parse)
        .take(MOST_RANGES)
        .collect();
    if ranges.is_empty() {
        return Some(0);
    }
    let weights = offered.iter().map(|media_type| weight(&ranges, media_type));
    let mut best = (None, 0);
    for (place, weight) in weights.enumerate() {
        if weight > best.1 {
            best = (Some(place), weight);
        }
    }
    best.0
}

/// One media range with its weight.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    weight: u16,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let weight = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .map_or(Some(WHOLE), |(_, value)| thousandths(value.trim()))?;
        Some(Self {
            kind,
            subtype,
            weight,
        })
    }

    /// How closely it names this media type; `None` when it does not.
    fn fit(&self, media_type: &str) -> Option<u8> {
        let (kind, subtype) = media_type.split_once('/')?;
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (own, "*") if own.eq_ignore_ascii_case(kind) => Some(1),
            (own, other)
                if own.eq_ignore_ascii_case(kind) && other.eq_ignore_ascii_case(subtype) =>
            {
                Some(2)
            }
            _ => None,
        }
    }
}

/// The weight by the range that names the type most closely.
fn weight(ranges: &[Range<'_>], media_type: &str) -> u16 {
    let fitting = ranges
        .iter()
        .filter_map(|range| Some((range.fit(media_type)?, range.weight)));
    fitting.max().map_or(0, |(_, weight)| weight)
}

/// `0.25` as 250.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(WHOLE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OFFERED: [&str; 2] = ["application/json", "application/pem-certificate-chain"];

    fn chosen(values: &[&'static str]) -> Option<usize> {
        let mut fields = HeaderMap::new();
        for value in values {
            fields.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        choose(&fields, &OFFERED)
    }

    #[test]
    fn without_a_wish_the_first_form_is_made() {
        for values in [&[][..], &["*/*"], &["application/*"], &[""]] {
            assert_eq!(chosen(values), Some(0), "{values:?}");
        }
    }

    #[test]
    fn the_highest_weight_wins_and_the_closest_range_says_it() {
        assert_eq!(chosen(&["application/pem-certificate-chain"]), Some(1));
        assert_eq!(
            chosen(&["application/json;q=0.5, APPLICATION/Pem-Certificate-Chain;q=0.75"]),
            Some(1)
        );
        assert_eq!(chosen(&["*/*, application/json;q=0"]), Some(1));
        assert_eq!(chosen(&["application/json;q=0.5", "*/*;q=0.1"]), Some(0));
    }

    #[test]
    fn a_client_that_takes_none_of_them_gets_none() {
        for values in [&["text/html"][..], &["*/*;q=0"], &["text/*, image/png"]] {
            assert_eq!(chosen(values), None, "{values:?}");
        }
    }

    #[test]
    fn a_weight_that_is_none_does_not_count() {
        for text in ["2", "1.5", "0.1234", "-1", "x", "0.x", ""] {
            assert_eq!(thousandths(text), None, "{text}");
        }
        assert_eq!(
            [thousandths("1.000"), thousandths("0.2"), thousandths("0")],
            [Some(1000), Some(200), Some(0)]
        );
    }
}
