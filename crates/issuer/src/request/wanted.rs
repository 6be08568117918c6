use std::collections::BTreeMap;

use api::v2::{EnrollRequest, Lifetime, Usage};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use pki::{Csr, PublicKey};

use super::options::chosen;
use crate::cert_manager::CertificateRequest;
use crate::settings::Settings;

/// What a request asks for, read and checked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The label of the CA to ask.
    pub ca: String,
    /// For the RA.
    pub request: EnrollRequest,
    /// The key that the certificate has to have.
    pub public_key: PublicKey,
}

/// Why a request can never be answered: a sentence for whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// How long the CertificateSigningRequest's certificate should live, by cert-manager's annotation.
const DURATION_ANNOTATION: &str = "experimental.cert-manager.io/request-duration";
/// Whether it is to be a CA's, by cert-manager's annotation.
const IS_CA_ANNOTATION: &str = "experimental.cert-manager.io/request-is-ca";

/// What a CertificateRequest asks for.
///
/// # Errors
/// [`Invalid`] names what is wrong: the CSR, a usage or duration that cannot be read, an annotation that is not allowed. Whether the CSR's signature holds is for the RA to say,
/// who looks anyway.
pub fn of_certificate_request(
    request: &CertificateRequest,
    settings: &Settings,
) -> Result<Wanted, Invalid> {
    let spec = &request.spec;
    let pem = STANDARD
        .decode(&spec.request)
        .map_err(|e| Invalid(format!("spec.request is not base64: {e}")))?;
    let none = BTreeMap::new();
    let asked = Asked {
        pem: &pem,
        duration: spec.duration.clone(),
        usages: spec.usages.as_deref().unwrap_or_default(),
        is_ca: spec.is_ca,
        annotations: request.metadata.annotations.as_ref().unwrap_or(&none),
    };
    asked.read(settings)
}

/// What a Kubernetes CertificateSigningRequest asks for.
///
/// # Errors
/// As [`of_certificate_request`].
pub fn of_signing_request(
    request: &CertificateSigningRequest,
    settings: &Settings,
) -> Result<Wanted, Invalid> {
    let none = BTreeMap::new();
    let annotations = request.metadata.annotations.as_ref().unwrap_or(&none);
    let duration = annotations.get(DURATION_ANNOTATION).cloned();
    let seconds = request.spec.expiration_seconds;
    let asked = Asked {
        pem: &request.spec.request.0,
        duration: duration.or_else(|| seconds.map(|s| format!("{s}s"))),
        usages: request.spec.usages.as_deref().unwrap_or_default(),
        is_ca: annotations
            .get(IS_CA_ANNOTATION)
            .is_some_and(|v| v == "true"),
        annotations,
    };
    asked.read(settings)
}

struct Asked<'a> {
    pem: &'a [u8],
    duration: Option<String>,
    usages: &'a [String],
    is_ca: bool,
    annotations: &'a BTreeMap<String, String>,
}

impl Asked<'_> {
    fn read(self, settings: &Settings) -> Result<Wanted, Invalid> {
        let invalid = |what: &str, why: &dyn std::fmt::Display| Invalid(format!("{what}: {why}"));
        let csr = one_csr(self.pem)?;
        let template = csr.template().map_err(|e| invalid("the CSR", &e))?;
        let chosen = chosen(self.annotations, &settings.options).map_err(Invalid)?;

        let usages: Result<Vec<Usage>, _> = self.usages.iter().map(|name| name.parse()).collect();
        let usages = usages.map_err(|e| invalid("usages", &e))?;
        // What the CSR says itself it has said to whoever takes nothing but the CSR, too.
        let says_usages = template.key_usage.is_some() || !template.ext_key_usage.is_empty();
        let says_ca = template.ca.is_some();
        let duration: Option<Lifetime> = self
            .duration
            .map(|text| {
                text.parse()
                    .map_err(|e| invalid(&format!("duration `{text}`"), &e))
            })
            .transpose()?;

        let mut request = EnrollRequest::new(csr.to_pem());
        request.duration = duration;
        request.usages = if says_usages { Vec::new() } else { usages };
        request.is_ca = (self.is_ca != says_ca).then_some(self.is_ca);
        request.profile = chosen.profile.or_else(|| settings.profile.clone());
        Ok(Wanted {
            ca: chosen.ca.unwrap_or_else(|| settings.ca.clone()),
            request,
            public_key: csr.public_key().clone(),
        })
    }
}

fn one_csr(pem: &[u8]) -> Result<Csr, Invalid> {
    let mut blocks = pki::pem::blocks(pem);
    let first = blocks
        .next()
        .ok_or_else(|| Invalid("there is no PEM block in the request".to_owned()))?
        .map_err(|e| Invalid(format!("the request is not PEM: {e}")))?;
    if blocks.next().is_some() {
        return Err(Invalid(
            "there is more than one PEM block in the request".to_owned(),
        ));
    }
    if first.label != "CERTIFICATE REQUEST" {
        let label: String = first.label.chars().take(40).collect();
        return Err(Invalid(format!(
            "the request is a PEM block `{label}` and must be `CERTIFICATE REQUEST`"
        )));
    }
    Csr::from_der(first.der.to_vec()).map_err(|e| Invalid(format!("the CSR cannot be read: {e}")))
}

#[cfg(test)]
mod tests;
