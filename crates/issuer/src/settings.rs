//! What an issuer object says, checked: the one form that the rest of the controller knows, whichever kind it came from.

use std::time::Duration;

use api::client::BaseUrl;
use jiff::SignedDuration;
use url::Url;

use crate::kinds::{
    Auth, CMPv2IssuerSpec, IssuerSpec, Limits, Modifications, Options, Retry, SecretKey, Trust,
    TrustMode,
};

/// An issuer's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the RA is.
    pub base: BaseUrl,
    /// The same as it was written, for messages and for the allow-list of the token.
    pub url: Url,
    /// The label of the CA.
    pub ca: String,
    /// The profile to ask for.
    pub profile: Option<String>,
    /// As whom.
    pub identity: Identity,
    /// By which roots the RA's TLS certificate is trusted.
    pub roots: Roots,
    /// What is told of the CA's roots.
    pub trust: Trust,
    /// What to make of changes.
    pub modifications: Modifications,
    /// Whether renewals name the certificate that they replace.
    pub key_update: bool,
    /// What a Certificate's owner may choose.
    pub options: Options,
    /// How many requests.
    pub limits: Limits,
    /// How long what may pass is tried again.
    pub within: Duration,
    /// How long a CA that makes us wait is asked again.
    pub wait: Duration,
}

/// As whom the RA is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Identity {
    /// By a TLS client certificate: a Secret and the keys in it.
    ClientCertificate {
        /// The Secret.
        secret: String,
        /// The key with certificate and chain.
        certificate: String,
        /// The key with the private key.
        key: String,
    },
    /// By the controller's projected token.
    Token,
}

/// By which roots the RA's TLS certificate is trusted.
#[derive(Clone, Debug, PartialEq)]
pub enum Roots {
    /// The system's.
    System,
    /// These, as PEM.
    Inline(String),
    /// Those in a Secret.
    Secret {
        /// The Secret.
        name: String,
        /// The key in it.
        key: String,
    },
}

/// What is wrong with an issuer object, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A field does not say what it should.
    #[error("spec.{field}: {wrong}")]
    Field {
        /// Which.
        field: &'static str,
        /// Why, and what would be right.
        wrong: String,
    },
    /// Something that has to be there is not, or is something else.
    #[error("the object is not whole: {0}")]
    NotWhole(String),
}

impl SettingsError {
    /// Of an object that lacks this.
    #[must_use]
    pub fn not_whole(lacking: &str) -> Self {
        Self::NotWhole(lacking.to_owned())
    }
}

fn wrong(field: &'static str, wrong: impl Into<String>) -> SettingsError {
    SettingsError::Field {
        field,
        wrong: wrong.into(),
    }
}

impl TryFrom<&IssuerSpec> for Settings {
    type Error = SettingsError;

    fn try_from(spec: &IssuerSpec) -> Result<Self, SettingsError> {
        let IssuerSpec {
            url,
            ca,
            profile,
            auth,
            ca_bundle,
            ca_secret_ref,
            trust,
            modifications,
            renewal,
            options,
            limits,
            retry: Retry { within, wait },
        } = spec;
        let (url, base) = address(url)?;
        Ok(Self {
            url,
            base,
            ca: label("ca", ca)?,
            profile: profile.clone(),
            identity: identity(auth)?,
            roots: roots(ca_bundle.as_ref(), ca_secret_ref.as_ref())?,
            trust: trust.clone(),
            modifications: *modifications,
            key_update: renewal.key_update,
            options: options.clone(),
            limits: limits.clone(),
            within: span("retry.within", within)?,
            wait: span("retry.wait", wait)?,
        })
    }
}

impl TryFrom<&CMPv2IssuerSpec> for Settings {
    type Error = SettingsError;

    fn try_from(spec: &CMPv2IssuerSpec) -> Result<Self, SettingsError> {
        let CMPv2IssuerSpec {
            url,
            health_endpoint: _,
            cert_endpoint: _,
            update_endpoint,
            ca_name,
            cert_secret_ref,
        } = spec;
        let secret = &cert_secret_ref.name;
        for (field, text) in [
            ("url", url),
            ("certSecretRef.name", secret),
            ("certSecretRef.keyRef", &cert_secret_ref.key_ref),
            ("certSecretRef.certRef", &cert_secret_ref.cert_ref),
            ("certSecretRef.cacertRef", &cert_secret_ref.cacert_ref),
        ] {
            if text.is_empty() {
                return Err(wrong(field, "cannot be empty"));
            }
        }
        let (mut url, _) = address(url)?;
        // ONAP's provider takes scheme, host and port alone.
        url.set_path("/");
        let base = BaseUrl::try_from(url.clone()).map_err(|e| wrong("url", e.to_string()))?;
        let defaults = Retry::default();
        Ok(Self {
            url,
            base,
            ca: label("caName", ca_name)?,
            profile: None,
            identity: Identity::ClientCertificate {
                secret: secret.clone(),
                certificate: cert_secret_ref.cert_ref.clone(),
                key: cert_secret_ref.key_ref.clone(),
            },
            roots: Roots::Secret {
                name: secret.clone(),
                key: cert_secret_ref.cacert_ref.clone(),
            },
            trust: Trust {
                mode: TrustMode::All,
                config_map: false,
                truststores: None,
            },
            modifications: Modifications::Accept,
            key_update: update_endpoint
                .as_ref()
                .is_some_and(|path| !path.is_empty()),
            options: Options::default(),
            limits: Limits::default(),
            within: span("retry.within", &defaults.within)?,
            wait: span("retry.wait", &defaults.wait)?,
        })
    }
}

fn address(text: &str) -> Result<(Url, BaseUrl), SettingsError> {
    let url = Url::parse(text).map_err(|e| {
        wrong(
            "url",
            format!("not an address ({e}); write it like https://certway-ra.certway.svc:8443"),
        )
    })?;
    if url.scheme() != "https" {
        return Err(wrong(
            "url",
            "must begin with https://: the request carries credentials",
        ));
    }
    let base = BaseUrl::try_from(url.clone()).map_err(|e| wrong("url", e.to_string()))?;
    Ok((url, base))
}

fn label(field: &'static str, text: &str) -> Result<String, SettingsError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=100).contains(&text.len()) && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        let valid = "must be a label of the RA: letters, digits, '.', '_' and '-', 100 at most";
        Err(wrong(field, valid))
    }
}

fn identity(auth: &Auth) -> Result<Identity, SettingsError> {
    match (&auth.client_certificate, &auth.service_account_token) {
        (Some(certificate), None) => Ok(Identity::ClientCertificate {
            secret: certificate.secret_name.clone(),
            certificate: "tls.crt".to_owned(),
            key: "tls.key".to_owned(),
        }),
        (None, Some(_)) => Ok(Identity::Token),
        _ => Err(wrong(
            "auth",
            "set exactly one of clientCertificate and serviceAccountToken",
        )),
    }
}

fn roots(bundle: Option<&String>, secret: Option<&SecretKey>) -> Result<Roots, SettingsError> {
    match (bundle, secret) {
        (None, None) => Ok(Roots::System),
        (Some(pem), None) => Ok(Roots::Inline(pem.clone())),
        (None, Some(SecretKey { name, key })) => Ok(Roots::Secret {
            name: name.clone(),
            key: key.clone().unwrap_or_else(|| "ca.crt".to_owned()),
        }),
        (Some(_), Some(_)) => Err(wrong(
            "caSecretRef",
            "set at most one of caBundle and caSecretRef",
        )),
    }
}

fn span(field: &'static str, text: &str) -> Result<Duration, SettingsError> {
    let span: Option<SignedDuration> = text.parse().ok();
    span.and_then(|span| Duration::try_from(span).ok())
        .filter(|span| *span >= Duration::from_secs(1))
        .ok_or_else(|| {
            wrong(
                field,
                format!("`{text}` is not a duration such as 30m or 72h"),
            )
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(spec: serde_json::Value) -> Result<Settings, SettingsError> {
        let spec: IssuerSpec = serde_json::from_value(spec).unwrap();
        Settings::try_from(&spec)
    }

    fn onap(spec: serde_json::Value) -> Result<Settings, SettingsError> {
        let spec: CMPv2IssuerSpec = serde_json::from_value(spec).unwrap();
        Settings::try_from(&spec)
    }

    fn standard() -> serde_json::Value {
        json!({
            "url": "https://oom-cert-service:8443", "healthEndpoint": "actuator/health",
            "certEndpoint": "v1/certificate", "updateEndpoint": "v1/certificate-update", "caName": "RA",
            "certSecretRef": { "name": "oom-cert-service-client-tls-secret", "certRef": "tls.crt", "keyRef": "tls.key", "cacertRef": "ca.crt" }
        })
    }

    #[test]
    fn the_shortest_issuer_has_every_default() {
        let found = settings(json!({
            "url": "https://ra.example:8443", "ca": "web", "auth": { "clientCertificate": { "secretName": "ra-client" } }
        }))
        .unwrap();
        assert_eq!(found.trust.mode, TrustMode::All);
        assert!(found.trust.config_map && !found.key_update);
        assert_eq!(found.modifications, Modifications::Warn);
        assert_eq!(found.roots, Roots::System);
        assert_eq!(
            (found.within, found.wait),
            (Duration::from_secs(1800), Duration::from_secs(259_200))
        );
    }

    #[test]
    fn each_thing_that_is_wrong_is_named_with_its_field() {
        let good =
            json!({ "url": "https://ra", "ca": "web", "auth": { "serviceAccountToken": {} } });
        for (path, value, field) in [
            ("/url", json!("http://ra"), "spec.url"),
            ("/url", json!("ra:8443"), "spec.url"),
            ("/url", json!("https://u:p@ra"), "spec.url"),
            ("/ca", json!("a/b"), "spec.ca"),
            ("/ca", json!(""), "spec.ca"),
            ("/auth", json!({}), "spec.auth"),
        ] {
            let mut spec = good.clone();
            *spec.pointer_mut(path).unwrap() = value;
            let error = settings(spec).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
        let mut spec = good;
        spec["retry"] = json!({ "within": "soon" });
        let error = settings(spec).unwrap_err().to_string();
        assert!(error.starts_with("spec.retry.within: `soon`"), "{error}");
    }

    #[test]
    fn onaps_standard_issuer_is_understood_and_its_path_is_not_looked_at() {
        let mut spec = standard();
        spec["url"] = json!("https://oom-cert-service:8443/some/path");
        let found = onap(spec).unwrap();
        assert_eq!(found.url.as_str(), "https://oom-cert-service:8443/");
        assert_eq!((found.ca.as_str(), found.key_update), ("RA", true));
        assert_eq!(
            found.roots,
            Roots::Secret {
                name: "oom-cert-service-client-tls-secret".to_owned(),
                key: "ca.crt".to_owned()
            }
        );
    }

    #[test]
    fn onaps_issuer_without_an_update_endpoint_renews_by_new_requests() {
        for absent in [json!(null), json!("")] {
            let mut spec = standard();
            spec["updateEndpoint"] = absent;
            assert!(!onap(spec).unwrap().key_update);
        }
    }

    #[test]
    fn onaps_empty_fields_are_refused_by_name() {
        for field in ["url", "caName"] {
            let mut spec = standard();
            spec[field] = json!("");
            assert!(
                onap(spec)
                    .unwrap_err()
                    .to_string()
                    .starts_with(&format!("spec.{field}"))
            );
        }
    }
}
