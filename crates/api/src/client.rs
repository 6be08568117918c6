//! A thin client of REST v2: one method per resource, no policy of its own.
//!
//! It does not retry and does not sleep. Where the CA makes the requester wait, the caller gets a [`Pending`] and asks again when it likes;
//! errors say whether the same request may be sent again ([`ClientError::is_transient`]) and when ([`ClientError::retry_after`]).

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{
    RequestBuilder,
    header::{ACCEPT, AUTHORIZATION, HeaderValue},
};
use serde::Serialize;
use url::Url;

use crate::{
    headers, media, paths,
    v2::{EnrollRequest, Health, Issued, RevokeRequest, Trust, TrustFormat},
};

mod answer;
mod base;
mod error;
mod key;
mod pending;
#[cfg(test)]
mod responder;

pub use base::{BaseUrl, BaseUrlError};
pub use error::{ClientError, with_causes};
pub use key::{Bearer, BearerError, IdempotencyKey, IdempotencyKeyError};
pub use pending::{Awaited, Pending, Progress, Revoked};

use answer::Reply;

/// A body that came, and the name under which the service logged the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub body: T,
    /// The header field `x-correlation-id`.
    pub correlation_id: Option<String>,
}

/// A certway-ra, and as whom we talk to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: BaseUrl,
    bearer: Option<Bearer>,
    timeout: Duration,
}

impl Client {
    /// A client of the service at this address.
    ///
    /// Roots, the client certificate, proxy and connect timeout are those of `http`. Build it with `redirect::Policy::none()`: the service
    /// never redirects, and a redirect must not carry the request elsewhere.
    #[must_use]
    pub fn new(http: reqwest::Client, base: BaseUrl) -> Self {
        Self {
            http,
            base,
            bearer: None,
            timeout: Duration::from_secs(60),
        }
    }

    /// The same, with this bearer token in each request.
    #[must_use]
    pub fn with_bearer(self, bearer: Bearer) -> Self {
        Self {
            bearer: Some(bearer),
            ..self
        }
    }

    /// The same, with this limit for a whole request from connecting to the last byte of the answer; 60 seconds otherwise.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Asks for a certificate, the first one or (with `replaces`) the successor of one.
    ///
    /// The same key with the same request gets the same certificate, so after any error that is transient send exactly this again.
    ///
    /// # Errors
    /// [`ClientError`], whose kinds say who is to blame.
    pub async fn enroll(
        &self,
        ca: &str,
        request: &EnrollRequest,
        key: &IdempotencyKey,
    ) -> Result<Answer<Progress<Issued>>, ClientError> {
        let reply = self.post(&paths::enrollments(ca), request, key).await?;
        Pending::progress(self, ca, reply)
    }

    /// An enrollment of before, finished or not.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn enrollment(
        &self,
        ca: &str,
        id: &str,
    ) -> Result<Answer<Progress<Issued>>, ClientError> {
        let reply = self
            .get(self.base.at(&paths::enrollment(ca, id)), media::JSON)
            .await?;
        Pending::progress(self, ca, reply)
    }

    /// Asks for a revocation.
    ///
    /// # Errors
    /// [`ClientError`]; a certificate that is revoked already is a problem with the slug `already-revoked`.
    pub async fn revoke(
        &self,
        ca: &str,
        request: &RevokeRequest,
        key: &IdempotencyKey,
    ) -> Result<Answer<Progress<Revoked>>, ClientError> {
        let reply = self.post(&paths::revocations(ca), request, key).await?;
        Pending::progress(self, ca, reply)
    }

    /// Every root of this CA.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn trust(&self, ca: &str) -> Result<Answer<Trust>, ClientError> {
        self.get(self.base.at(&paths::trust(ca)), media::JSON)
            .await?
            .json()
    }

    /// Whether the CA can be asked right now: through the service and to what the service knows of it.
    ///
    /// # Errors
    /// [`ClientError`]; a CA that cannot be asked is a problem with the slug `unavailable`.
    pub async fn health(&self, ca: &str) -> Result<Answer<Health>, ClientError> {
        self.get(self.base.at(&paths::health(ca)), media::JSON)
            .await?
            .json()
    }

    /// Every root of this CA as a file of that form. A password is used for PKCS#12 and JKS only; [`headers::DEFAULT_STORE_PASSWORD`] without.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn trust_store(
        &self,
        ca: &str,
        format: TrustFormat,
        password: Option<&str>,
    ) -> Result<Answer<Vec<u8>>, ClientError> {
        let mut request = self
            .http
            .get(self.base.at(&paths::trust(ca)))
            .header(ACCEPT, format.media_type());
        if let Some(password) = password {
            let mut value = HeaderValue::from_str(password).map_err(|_| {
                ClientError::Unusable(
                    "the store password has characters that a header field cannot carry".to_owned(),
                )
            })?;
            value.set_sensitive(true);
            request = request.header(headers::STORE_PASSWORD, value);
        }
        Ok(self.send(request).await?.bytes())
    }

    async fn post(
        &self,
        path: &str,
        body: &impl Serialize,
        key: &IdempotencyKey,
    ) -> Result<Reply, ClientError> {
        let request = self
            .http
            .post(self.base.at(path))
            .header(ACCEPT, media::JSON)
            .header(headers::IDEMPOTENCY_KEY, key.as_str());
        self.send(request.json(body)).await
    }

    async fn get(&self, address: Url, accept: &'static str) -> Result<Reply, ClientError> {
        self.send(self.http.get(address).header(ACCEPT, accept))
            .await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Reply, ClientError> {
        let request = match &self.bearer {
            Some(bearer) => request.header(AUTHORIZATION, bearer.header()),
            None => request,
        };
        let response = request
            .timeout(self.timeout)
            .send()
            .await
            .map_err(|e| ClientError::NotReached(e.without_url()))?;
        Reply::read(response, Timestamp::now()).await
    }
}

#[cfg(test)]
mod tests;
