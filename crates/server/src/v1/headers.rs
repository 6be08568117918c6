//! The four header fields that carry a request.

use axum::http::HeaderMap;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// Java's strict decoder: the standard alphabet, no white space, padding as one likes.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Why a value cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotDecoded {
    #[error("it is not base64 in the standard alphabet without white space")]
    Base64,
    #[error("it is given more than once")]
    Twice,
}

/// The octets of the first field that is there under one of `names`; `None` when none is.
///
/// Wiped when dropped, since two of the fields are private keys.
pub(super) fn decoded(
    headers: &HeaderMap,
    names: &[&str],
) -> Option<Result<Zeroizing<Vec<u8>>, NotDecoded>> {
    let mut values = names.iter().flat_map(|name| headers.get_all(*name));
    let value = values.next()?;
    if values.next().is_some() {
        return Some(Err(NotDecoded::Twice));
    }
    Some(
        DECODER
            .decode(value.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| NotDecoded::Base64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn of(name: &'static str, value: &'static str) -> HeaderMap {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn read(value: &'static str) -> Result<Vec<u8>, NotDecoded> {
        decoded(&of("csr", value), &["CSR"])
            .unwrap()
            .map(|octets| octets.to_vec())
    }

    #[test]
    fn padding_may_be_left_out() {
        assert_eq!(read("QQ=="), Ok(b"A".to_vec()));
        assert_eq!(read("QQ"), Ok(b"A".to_vec()));
    }

    #[test]
    fn white_space_and_the_url_alphabet_are_refused() {
        for value in ["QUFB QUFB", "QUFB\tQUFB", "_-__", "!"] {
            assert_eq!(read(value), Err(NotDecoded::Base64), "{value}");
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_spelling() {
        for name in ["OLD_CERT", "Old_cert", "old_cert", "OLDCERT"] {
            assert!(
                decoded(&of(name, "QQ=="), &["OLD_CERT", "OLDCERT"]).is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn two_values_are_refused_rather_than_one_of_them_chosen() {
        let mut headers = of("old_pk", "QQ==");
        headers.insert("oldpk", HeaderValue::from_static("Qg=="));
        assert_eq!(
            decoded(&headers, &["OLD_PK", "OLDPK"])
                .unwrap()
                .unwrap_err(),
            NotDecoded::Twice
        );
    }
}
