//! Getting a key set from a server: at an address, or where the issuer's own description says (OpenID Connect Discovery 1.0).

use std::path::PathBuf;
use std::time::Duration;

use api::client::{Bearer, with_causes};
use bytes::{Bytes, BytesMut};
use pki::Certificate;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use url::Url;

use super::keys::{KeySet, KeySetError, LARGEST};

/// From connecting to the last octet of the keys.
const PATIENCE: Duration = Duration::from_secs(5);
/// Octets of a token file that are read.
const LARGEST_TOKEN: u64 = 64 * 1024;

/// Where a key set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this address.
    At(Url),
    /// Where `/.well-known/openid-configuration` below the issuer says.
    Discovered {
        /// The issuer: `iss` and address in one.
        issuer: String,
        /// The address of its description.
        description: Url,
    },
}

impl Place {
    /// What is asked first.
    #[must_use]
    pub fn address(&self) -> &Url {
        match self {
            Self::At(url) => url,
            Self::Discovered { description, .. } => description,
        }
    }
}

/// Why there is no key set. Shown to operators.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The HTTP library refused what it was given.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
    /// Our own token for that server.
    #[error("the token file `{file}` cannot be used: {why}")]
    Token {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// No answer.
    #[error("{url} gave no answer: {why}")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What the HTTP library says.
        why: String,
    },
    /// Not without saying who we are, or not as whom we are.
    #[error(
        "{url} answered {status}: let everybody read it (on Kubernetes, the ClusterRole `system:service-account-issuer-discovery` for `system:unauthenticated`), or name a token of somebody who may in `token_file`"
    )]
    Forbidden {
        /// What was asked.
        url: String,
        /// 401 or 403.
        status: StatusCode,
    },
    /// Another status than 200.
    #[error("{url} answered {status}")]
    Status {
        /// What was asked.
        url: String,
        /// The status.
        status: StatusCode,
    },
    /// An issuer's description that is none.
    #[error("{url} is no description of the issuer `{issuer}`: {why}")]
    Description {
        /// What was asked.
        url: String,
        /// Whose it should be.
        issuer: String,
        /// What is wrong with it.
        why: String,
    },
    /// No key set.
    #[error("{url} gave no key set that can be used: {why}")]
    KeySet {
        /// What was asked.
        url: String,
        /// What is wrong with it.
        why: KeySetError,
    },
}

/// The issuer's description, as far as it matters here.
#[derive(Deserialize)]
struct Description {
    issuer: String,
    jwks_uri: Url,
}

/// What asks for one issuer's keys.
pub(super) struct Fetcher {
    http: Client,
    place: Place,
    token_file: Option<PathBuf>,
}

impl Fetcher {
    pub(super) fn new(
        place: Place,
        roots: Option<&[Certificate]>,
        token_file: Option<PathBuf>,
    ) -> Result<Self, FetchError> {
        let failed = |error: reqwest::Error| FetchError::Client(with_causes(&error));
        // The HTTP library asks for the process's provider; if the program chose one before, that stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut http = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(true)
            .referer(false);
        if let Some(roots) = roots {
            let roots: Result<Vec<_>, _> = roots
                .iter()
                .map(|root| reqwest::Certificate::from_der(root.der()))
                .collect();
            http = http.tls_certs_only(roots.map_err(failed)?);
        }
        Ok(Self {
            http: http.build().map_err(failed)?,
            place,
            token_file,
        })
    }

    /// Asks once.
    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let late = |_| FetchError::NoAnswer {
            url: self.place.address().to_string(),
            why: format!("not within {} s", PATIENCE.as_secs()),
        };
        timeout(PATIENCE, self.ask()).await.map_err(late)?
    }

    async fn ask(&self) -> Result<KeySet, FetchError> {
        let bearer = self.bearer().await?;
        let url = match &self.place {
            Place::At(url) => url.clone(),
            Place::Discovered {
                issuer,
                description,
            } => {
                let text = self.get(description, bearer.as_ref()).await?;
                described(issuer, description, &text)?
            }
        };
        // Another server must not get what was meant for this one.
        let bearer = bearer.filter(|_| url.origin() == self.place.address().origin());
        let text = self.get(&url, bearer.as_ref()).await?;
        KeySet::read(&text).map_err(|why| FetchError::KeySet {
            url: url.to_string(),
            why,
        })
    }

    async fn get(&self, url: &Url, bearer: Option<&Bearer>) -> Result<Bytes, FetchError> {
        let no_answer = |error: reqwest::Error| FetchError::NoAnswer {
            url: url.to_string(),
            why: with_causes(&error.without_url()),
        };
        let request = self.http.get(url.clone()).header(ACCEPT, "*/*");
        let request = match bearer {
            Some(bearer) => request.header(AUTHORIZATION, bearer.header()),
            None => request,
        };
        let response = request.send().await.map_err(no_answer)?;
        let url = || url.to_string();
        match response.status() {
            StatusCode::OK => {
                bounded(response)
                    .await
                    .map_err(no_answer)?
                    .ok_or_else(|| FetchError::KeySet {
                        url: url(),
                        why: KeySetError::TooLarge,
                    })
            }
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Err(FetchError::Forbidden { url: url(), status })
            }
            status => Err(FetchError::Status { url: url(), status }),
        }
    }

    /// Our token, read anew each time: kubelet renews it long before it ends.
    async fn bearer(&self) -> Result<Option<Bearer>, FetchError> {
        let Some(path) = &self.token_file else {
            return Ok(None);
        };
        let wrong = |why: String| FetchError::Token {
            file: path.display().to_string(),
            why,
        };
        let file = tokio::fs::File::open(path).await;
        let mut text = String::new();
        file.map_err(|e| wrong(e.to_string()))?
            .take(LARGEST_TOKEN)
            .read_to_string(&mut text)
            .await
            .map_err(|e| wrong(e.to_string()))?;
        let bearer = text.trim().parse();
        bearer
            .map(Some)
            .map_err(|e: api::client::BearerError| wrong(e.to_string()))
    }
}

fn described(issuer: &str, url: &Url, text: &[u8]) -> Result<Url, FetchError> {
    let wrong = |why: String| FetchError::Description {
        url: url.to_string(),
        issuer: issuer.to_owned(),
        why,
    };
    let found: Description = serde_json::from_slice(text).map_err(|e| wrong(e.to_string()))?;
    // OpenID Connect Discovery 1.0 section 4.3.
    if found.issuer != issuer {
        return Err(wrong("it is of another issuer".to_owned()));
    }
    if found.jwks_uri.scheme() != "https" {
        return Err(wrong("its `jwks_uri` is not https".to_owned()));
    }
    Ok(found.jwks_uri)
}

/// The body; `None` when there is more of it than is read.
async fn bounded(mut response: Response) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > LARGEST {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://cluster.example";

    fn described_by(text: &str) -> Result<String, String> {
        let url = Url::parse(ISSUER).unwrap();
        let found = described(ISSUER, &url, text.as_bytes());
        found.map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn a_description_leads_to_the_keys_of_that_issuer_alone_and_over_https() {
        let good = r#"{"issuer":"https://cluster.example","jwks_uri":"https://a/keys","more":[]}"#;
        assert_eq!(described_by(good).unwrap(), "https://a/keys");
        for (text, why) in [
            (
                r#"{"issuer":"https://cluster.example/","jwks_uri":"https://a/keys"}"#,
                "another issuer",
            ),
            (
                r#"{"issuer":"https://cluster.example","jwks_uri":"http://a/keys"}"#,
                "not https",
            ),
            (r#"{"issuer":"https://cluster.example"}"#, "jwks_uri"),
            ("<html>", "expected value"),
        ] {
            let error = described_by(text).unwrap_err();
            assert!(error.contains(why) && error.contains(ISSUER), "{error}");
        }
    }
}
