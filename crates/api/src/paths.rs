//! Where the resources of REST v2 are. The route patterns are for the server, the functions for whoever calls it.

/// Route pattern of [`enrollments`].
pub const ENROLLMENTS: &str = "/v2/{ca}/certificates";
/// Route pattern of [`enrollment`].
pub const ENROLLMENT: &str = "/v2/{ca}/certificates/{id}";
/// Route pattern of [`revocations`].
pub const REVOCATIONS: &str = "/v2/{ca}/revocations";
/// Route pattern of [`revocation`].
pub const REVOCATION: &str = "/v2/{ca}/revocations/{id}";
/// Route pattern of [`trust`].
pub const TRUST: &str = "/v2/{ca}/trust";
/// Route pattern of [`health`].
pub const HEALTH: &str = "/v2/{ca}/health";

/// Where a certificate is asked for (`POST`), the first one and each renewal.
#[must_use]
pub fn enrollments(ca: &str) -> String {
    format!("/v2/{}/certificates", segment(ca))
}

/// One enrollment, to be asked for again (`GET`) while it waits and afterwards.
#[must_use]
pub fn enrollment(ca: &str, id: &str) -> String {
    format!("/v2/{}/certificates/{}", segment(ca), segment(id))
}

/// Where a revocation is asked for (`POST`).
#[must_use]
pub fn revocations(ca: &str) -> String {
    format!("/v2/{}/revocations", segment(ca))
}

/// One revocation, to be asked for again (`GET`) while the CA makes us wait.
#[must_use]
pub fn revocation(ca: &str, id: &str) -> String {
    format!("/v2/{}/revocations/{}", segment(ca), segment(id))
}

/// Every trusted root of this CA (`GET`).
#[must_use]
pub fn trust(ca: &str) -> String {
    format!("/v2/{}/trust", segment(ca))
}

/// Whether this CA can be asked right now (`GET`).
#[must_use]
pub fn health(ca: &str) -> String {
    format!("/v2/{}/health", segment(ca))
}

/// One path segment: everything but the unreserved characters of RFC 3986 section 2.3 is percent-encoded, so that a CA's name cannot
/// lead elsewhere.
fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'~')
            || (byte == b'.' && text != "." && text != "..")
        {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_name_cannot_leave_its_path_segment() {
        assert_eq!(
            enrollments("a/../b?c#d"),
            "/v2/a%2F..%2Fb%3Fc%23d/certificates"
        );
        assert_eq!(trust(".."), "/v2/%2E%2E/trust");
        assert_eq!(enrollment("RA ü", "7"), "/v2/RA%20%C3%BC/certificates/7");
    }
}
