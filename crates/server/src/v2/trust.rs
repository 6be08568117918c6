//! `/v2/{ca}/trust`: every root that the CA's certificates may lead to.

use std::sync::Arc;

use api::v2::{Trust, TrustFormat, TrustedRoot};
use api::{Problem, ProblemSlug, headers, media};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use pki::Certificate;
use pki::keystore::{self, Keystore};
use secrecy::SecretString;

use super::call::Call;
use super::openapi::Binary;
use super::{Failure, accept};
use crate::{App, problem};

/// What is made of each media type; the one without a wish first.
const FORMS: [(&str, TrustFormat); 5] = [
    (media::PEM, TrustFormat::Pem),
    (media::PEM_CHAIN, TrustFormat::Pem),
    (media::JSON, TrustFormat::Json),
    (media::PKCS12, TrustFormat::Pkcs12),
    (media::JKS, TrustFormat::Jks),
];

/// `keytool` takes no shorter ones.
const SHORTEST_PASSWORD: usize = 6;
const LONGEST_PASSWORD: usize = 128;
/// Names longer than this are not repeated in an answer.
const LONGEST_NAME: usize = 40;

/// Every root of this CA: PEM unless `format` or `Accept` say otherwise.
///
/// A PKCS#12 or JKS store has an entry per root. It holds nothing secret; its password guards against accidents and is `changeit` unless
/// `X-Certway-Store-Password` gives another.
#[utoipa::path(
    get,
    path = "/v2/{ca}/trust",
    operation_id = "trust",
    tag = "trust",
    params(
        ("ca" = String, Path, description = "The CA's label", example = "web"),
        ("format" = Option<TrustFormat>, Query, description = "The form; counts before `Accept`"),
        ("X-Certway-Store-Password" = Option<String>, Header, description = "Password of a PKCS#12 or JKS store: 6 to 128 visible ASCII characters", min_length = 6, max_length = 128),
    ),
    responses(
        (status = 200, description = "The roots; the one that ends today's chains first", content(
            (String = "application/x-pem-file"),
            (String = "application/pem-certificate-chain"),
            (Trust = "application/json"),
            (Binary = "application/x-pkcs12"),
            (Binary = "application/x-java-keystore"),
        )),
        (status = "4XX", description = "Refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Failed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    ca: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let (head, _) = request.into_parts();
    let call = Call::admit(&app, ca, &head).await?;
    let (media_type, format) = form(&head.headers, head.uri.query())?;
    let password = password(&head.headers)?;
    let roots = call.site.ra.trust(&call.who, &call.label).await?;
    let roots = roots.map_err(|refusal| Failure::refused(&refusal))?;
    let body = match format {
        TrustFormat::Json => Json(described(&roots)).into_response(),
        TrustFormat::Pem => roots
            .iter()
            .map(Certificate::to_pem)
            .collect::<String>()
            .into_response(),
        TrustFormat::Pkcs12 | TrustFormat::Jks => {
            let now = (call.site.ra.clock)();
            // Key derivation takes milliseconds: not on a thread that others wait for.
            let made = tokio::task::spawn_blocking(move || {
                let store = Keystore::of_trusted(roots);
                match format {
                    TrustFormat::Jks => keystore::write_jks(&store, &password, now),
                    _ => keystore::write_pkcs12(&store, &password),
                }
            });
            made.await
                .map_err(|e| unwritten(&e))?
                .map_err(|e| unwritten(&e))?
                .into_response()
        }
    };
    let mut response = body;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    // Roots change: who keeps them asks again before using them.
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

/// `?format=…` before `Accept`.
fn form(fields: &HeaderMap, query: Option<&str>) -> Result<(&'static str, TrustFormat), Failure> {
    let mut asked = None;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if name != "format" || asked.is_some() {
            let name: String = name.chars().take(LONGEST_NAME).collect();
            let detail = format!("the query has `{name}`; it takes one `format` and nothing else");
            return Err(Failure::bad_request(detail));
        }
        let format = value.parse::<TrustFormat>();
        asked = Some(format.map_err(|e| Failure::bad_request(format!("format: {e}")))?);
    }
    if let Some(format) = asked {
        return Ok((format.media_type(), format));
    }
    let offered = FORMS.map(|(media_type, _)| media_type);
    match accept::choose(fields, &offered) {
        Some(place) => Ok(FORMS[place]),
        None => Err(Failure::new(
            ProblemSlug::NotAcceptable,
            format!("Accept: there are {}", offered.join(", ")),
        )),
    }
}

fn password(fields: &HeaderMap) -> Result<SecretString, Failure> {
    let Some(value) = fields.get(headers::STORE_PASSWORD) else {
        return Ok(headers::DEFAULT_STORE_PASSWORD.into());
    };
    let text = value.to_str().unwrap_or_default();
    let fits = (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.into())
    } else {
        Err(Failure::bad_request(format!(
            "{}: {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} visible ASCII characters",
            headers::STORE_PASSWORD
        )))
    }
}

fn described(roots: &[Certificate]) -> Trust {
    let one = |root: &Certificate| TrustedRoot {
        subject: pki::name::onap::display(root.subject()),
        fingerprint: hex::encode(root.fingerprint()),
        not_before: root.not_before(),
        not_after: root.not_after(),
        certificate: root.to_pem(),
    };
    Trust {
        roots: roots.iter().map(one).collect(),
    }
}

fn unwritten(error: &dyn std::error::Error) -> Failure {
    tracing::error!(%error, "a trust store could not be written");
    problem::internal().into()
}
