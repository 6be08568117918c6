use k8s_openapi::NamespaceResourceScope;
use kube::api::ObjectMeta;
use kube::{Api, Client, Resource, ResourceExt};
use pki::Certificate as X509;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use crate::cert_manager::{Certificate, CertificateRequest, annotation};
use crate::renewals::Replaced;

/// A Secret of which nothing but the certificate is looked at: the private key beside it never becomes a value of ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct CertificateSecret {
    metadata: ObjectMeta,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data {
    #[serde(rename = "tls.crt", default)]
    certificate: Option<k8s_openapi::ByteString>,
}

impl Resource for CertificateSecret {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(_: &()) -> Cow<'_, str> {
        "Secret".into()
    }

    fn group(_: &()) -> Cow<'_, str> {
        "".into()
    }

    fn version(_: &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural(_: &()) -> Cow<'_, str> {
        "secrets".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// The certificate (PEM) that a request's new one will take the place of: owner reference, Certificate, its Secret, `tls.crt`. `None` for a first issuance.
///
/// A certificate that had expired when the request was made is not named; by the request's own time, so that the answer stays the same however late it is asked for.
///
/// # Errors
/// When the API server did not answer: asked again, it may. What it says once and for all is in the value, and the request then goes out as a new one.
pub(super) async fn replaced(
    kube: &Client,
    request: &CertificateRequest,
) -> Result<Replaced, kube::Error> {
    let revision = request.annotations().get(annotation::REVISION);
    let is_first = revision.and_then(|text| text.parse::<u64>().ok()) == Some(1);
    let (Some(name), Some(namespace)) = (certificate_name(request), request.namespace()) else {
        return Ok(Ok(None));
    };
    if is_first {
        return Ok(Ok(None));
    }
    let certificates: Api<Certificate> = Api::namespaced(kube.clone(), &namespace);
    let certificate = match certificates.get(&name).await {
        Ok(certificate) => certificate,
        Err(error) => return unreadable("Certificate", &namespace, &name, error).map(Err),
    };
    let secret = &certificate.spec.secret_name;
    let secrets: Api<CertificateSecret> = Api::namespaced(kube.clone(), &namespace);
    let found = match secrets.get_opt(secret).await {
        Ok(found) => found,
        Err(error) => return unreadable("Secret", &namespace, secret, error).map(Err),
    };
    let Some(pem) = found.and_then(|s| s.data).and_then(|d| d.certificate) else {
        return Ok(Ok(None));
    };
    let old = match X509::from_pem(&pem.0) {
        Ok(old) => old,
        Err(why) => {
            return Ok(Err(format!(
                "the certificate in Secret {namespace}/{secret}: {why}"
            )));
        }
    };
    let made = request.metadata.creation_timestamp.as_ref();
    if made.is_some_and(|made| old.not_after() < made.0) {
        let expired = old.not_after();
        return Ok(Err(format!("the old certificate expired at {expired}")));
    }
    Ok(Ok(Some(old.to_pem())))
}

/// The Certificate that a request was made for: its owner, or the one its annotation names.
pub(super) fn certificate_name(request: &CertificateRequest) -> Option<String> {
    let owners = request.owner_references();
    let owner = owners.iter().find(|owner| {
        owner.kind == "Certificate" && owner.api_version.starts_with("cert-manager.io/")
    });
    owner.map(|owner| owner.name.clone()).or_else(|| {
        request
            .annotations()
            .get(annotation::CERTIFICATE_NAME)
            .cloned()
    })
}

/// What is to be said of an object that cannot be read; an error where that may be otherwise in a moment.
fn unreadable(
    kind: &str,
    namespace: &str,
    name: &str,
    error: kube::Error,
) -> Result<String, kube::Error> {
    match error {
        kube::Error::Api(status) if status.code == 403 => Ok(format!(
            "the controller may not read {kind} {namespace}/{name}: a Role there has to allow `get` (chart value `renewalNamespaces`)"
        )),
        kube::Error::Api(status) if status.code == 404 => {
            Ok(format!("{kind} {namespace}/{name} is gone"))
        }
        error => Err(error),
    }
}
