//! A body of a known media type and of bounded size, or a problem.

use std::time::Duration;

use api::{ProblemSlug, media};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::Failure;
use crate::discard::discard;

/// More than any request: a CSR with an ML-DSA-87 key and a hundred names, the old certificate and its proof stay below 64 KiB.
pub(super) const LARGEST: usize = 128 << 10;
/// A client that needs longer for so little does not mean to end.
const LONGEST: Duration = Duration::from_secs(20);

/// The media types bodies come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/json`.
    Json,
    /// `application/pkcs10`: DER.
    Pkcs10,
    /// `application/x-pem-file`: PEM text.
    Pem,
}

impl Form {
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => media::JSON,
            Self::Pkcs10 => media::PKCS10,
            Self::Pem => media::PEM,
        }
    }

    /// The form the header fields say.
    ///
    /// # Errors
    /// 415 for every other than those taken here, and for coded bodies.
    pub(super) fn of(fields: &HeaderMap, taken: &[Self]) -> Result<Self, Failure> {
        if let Some(coding) = fields.get(header::CONTENT_ENCODING)
            && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
        {
            return Err(unsupported(
                "the body has a Content-Encoding; send it as it is",
                taken,
            ));
        }
        let mut values = fields.get_all(header::CONTENT_TYPE).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(unsupported(
                "say what the body is in one Content-Type",
                taken,
            ));
        };
        let text = value.to_str().unwrap_or_default();
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let known = taken
            .iter()
            .copied()
            .find(|form| form.media_type().eq_ignore_ascii_case(essence));
        match known {
            Some(form) if parts.all(in_utf8) => Ok(form),
            Some(_) => Err(unsupported("text is taken in UTF-8 alone", taken)),
            None => Err(unsupported(
                "the body has a media type that is not read here",
                taken,
            )),
        }
    }
}

/// Reads a body to its end.
///
/// # Errors
/// 413 above [`LARGEST`]; 400 when the body is cut off or does not end in time.
pub(super) async fn read(fields: &HeaderMap, mut body: Body) -> Result<Bytes, Failure> {
    let announced = fields
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > LARGEST as u64) {
        discard(fields, body).await;
        return Err(too_large());
    }
    match tokio::time::timeout(LONGEST, Limited::new(&mut body, LARGEST).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(fields, body).await;
            Err(too_large())
        }
        Ok(Err(_)) => Err(Failure::bad_request("the body is cut off")),
        Err(_) => Err(Failure::bad_request(format!(
            "the body did not end within {} seconds",
            LONGEST.as_secs()
        ))),
    }
}

/// Of the parameters of a media type only the character set can change what the bytes mean.
fn in_utf8(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("us-ascii")
        }
        _ => true,
    }
}

fn unsupported(why: &str, taken: &[Form]) -> Failure {
    let names: Vec<&str> = taken.iter().map(|form| form.media_type()).collect();
    let names = names.join(", ");
    let failure = Failure::new(
        ProblemSlug::UnsupportedMediaType,
        format!("{why}; taken are {names}"),
    );
    match HeaderValue::from_str(&names) {
        // RFC 9110 section 15.5.16: an answer of this kind says so in Accept.
        Ok(value) => failure.field(header::ACCEPT, value),
        Err(_) => failure,
    }
}

fn too_large() -> Failure {
    Failure::new(
        ProblemSlug::TooLarge,
        format!("a request has at most {LARGEST} bytes"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &'static str) -> Option<Form> {
        let mut fields = HeaderMap::new();
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(text));
        Form::of(&fields, &[Form::Json, Form::Pem]).ok()
    }

    #[test]
    fn parameters_and_case_do_not_count_but_the_character_set() {
        assert_eq!(
            form("Application/JSON; charset=\"UTF-8\"; v=1"),
            Some(Form::Json)
        );
        assert_eq!(
            form("application/x-pem-file;charset=us-ascii"),
            Some(Form::Pem)
        );
        assert_eq!(form("application/json; charset=utf-16"), None);
    }

    #[test]
    fn other_types_and_those_not_taken_here_are_refused() {
        for text in [
            "text/plain",
            "application/pkcs10",
            "application/json+x",
            "",
            "json",
        ] {
            assert_eq!(form(text), None, "{text}");
        }
    }
}
