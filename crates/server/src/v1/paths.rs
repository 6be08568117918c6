//! CA names in paths, read as CertService's container read them.

use axum::extract::{Path, rejection::PathRejection};
use axum::http::{StatusCode, Uri};

use super::Failure;

/// The CA's name out of the path: decoded, and safe to be logged.
pub(super) fn ca_name(
    path: &str,
    decoded: Result<Path<String>, PathRejection>,
) -> Result<String, Failure> {
    let bad = |why: &str| Failure::framework(StatusCode::BAD_REQUEST, why);
    // Two names for one resource are how access rules in front of us are got round.
    if path.to_ascii_lowercase().contains("%2f") {
        return Err(bad("An encoded slash is not allowed in the path"));
    }
    let Ok(Path(name)) = decoded else {
        return Err(bad("The path is not valid percent-encoded UTF-8"));
    };
    Ok(name.replace(['\n', '\r', '\t'], "_"))
}

/// The address without `;name=value` in its segments, which the container took away before it looked at a path.
#[must_use]
pub fn without_matrix_parameters(uri: &Uri) -> Option<Uri> {
    if !uri.path().contains(';') {
        return None;
    }
    let stripped: Vec<&str> = uri
        .path()
        .split('/')
        .map(|segment| segment.split_once(';').map_or(segment, |(name, _)| name))
        .collect();
    let path = stripped.join("/");
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> Option<String> {
        without_matrix_parameters(&text.parse().unwrap()).map(|uri| uri.to_string())
    }

    #[test]
    fn matrix_parameters_are_taken_out_of_every_segment() {
        assert_eq!(
            stripped("/v1;a=b/certificate/RA;c=d;e?f=g").unwrap(),
            "/v1/certificate/RA?f=g"
        );
        assert_eq!(stripped("/v1/certificate/;x").unwrap(), "/v1/certificate/");
        assert_eq!(stripped("/v1/certificate/RA"), None);
    }

    #[test]
    fn line_breaks_and_tabs_in_a_name_become_underscores() {
        assert_eq!(
            ca_name("/v1/certificate/a%0Ab", Ok(Path("a\nb\rc\td".to_owned()))).unwrap(),
            "a_b_c_d"
        );
    }

    #[test]
    fn an_encoded_slash_is_refused() {
        assert!(ca_name("/v1/certificate/a%2Fb", Ok(Path("a/b".to_owned()))).is_err());
    }
}
