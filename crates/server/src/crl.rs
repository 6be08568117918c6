//! `/crl/{authority}`: the revocation list of a CA of our own, where its certificates say it is.
//!
//! Open to everyone who can connect, on the plain-HTTP listener too: a CRL is signed, and whoever needs it may have no certificate.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use ra::{AuthorityName, Support, SupportAnswer};

use crate::App;
use crate::v1::Failure;

/// Media type of a CRL in DER (RFC 2585 section 4.2).
const MEDIA_TYPE: &str = "application/pkix-crl";

/// The route.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/crl/{authority}", get(crl))
}

async fn crl(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let site = app.site();
    let path = format!("/crl/{name}");
    // `own.crl` as well, since some programs judge by the ending.
    let name = AuthorityName::new(name.strip_suffix(".crl").unwrap_or(&name));
    let none =
        || Failure::framework(StatusCode::NOT_FOUND, "There is no such list").response(&path);
    let Some(authority) = site.ra.authorities.get(&name) else {
        return none();
    };
    match authority.support(Support::Crl, Timestamp::now()).await {
        Ok(SupportAnswer::Crl(Some(der))) => {
            ([(header::CONTENT_TYPE, MEDIA_TYPE)], der).into_response()
        }
        Ok(_) | Err(ra::AskError::Refused(_)) => none(),
        Err(error) => {
            tracing::warn!(authority = %name, %error, "no revocation list could be had");
            Failure::framework(
                StatusCode::SERVICE_UNAVAILABLE,
                "The list cannot be had now",
            )
            .response(&path)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::testing::Bench;

    #[tokio::test]
    async fn a_ca_without_a_list_and_an_unknown_one_are_404() {
        let bench = Bench::new().await;
        for path in ["/crl/memory", "/crl/nobody", "/crl/memory.crl"] {
            assert_eq!(
                bench.get(path, &[]).await.status,
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }
}
