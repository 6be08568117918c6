use k8s_openapi::api::core::v1::ObjectReference;
use kube::{Api, Resource, ResourceExt};

use super::renewal::certificate_name;
use crate::answer::twins;
use crate::cert_manager::{Certificate, CertificateRequest};
use crate::context::Context;
use crate::events::Said;

/// Warns the owner of a Certificate whose PKCS#12 truststore, made by cert-manager, has fewer roots than `ca` (PEM text): its entries are named by subject, and
/// readers such as Java's keep one of each name.
///
/// For whoever looks at the Certificate; where the controller may not read it, the issuer's `Ready` has the same in general.
pub(super) async fn warn_of_lost_roots(context: &Context, request: &CertificateRequest, ca: &str) {
    // One root, as nearly everywhere, is not worth a look.
    if ca.matches("BEGIN CERTIFICATE").count() < 2 {
        return;
    }
    let Some(subject) = twins(&pki::Certificate::all_from_pem(ca.as_bytes()).unwrap_or_default())
    else {
        return;
    };
    let (Some(name), Some(namespace)) = (certificate_name(request), request.namespace()) else {
        return;
    };
    let certificates: Api<Certificate> = Api::namespaced(context.kube.clone(), &namespace);
    let certificate = match certificates.get(&name).await {
        Ok(certificate) if certificate.spec.has_pkcs12() => certificate,
        Ok(_) => return,
        Err(error) => {
            tracing::debug!(%error, "a Certificate could not be read for its keystores");
            return;
        }
    };
    let about = ObjectReference {
        api_version: Some(Certificate::api_version(&()).into_owned()),
        kind: Some(Certificate::kind(&()).into_owned()),
        ..certificate.object_ref(&())
    };
    let note = format!(
        "several roots are named `{subject}`, and of those truststore.p12 in Secret {} shows one to Java; ca.crt and truststore.jks have all, and so has the Secret that the \
         issuer writes with spec.trust.truststores",
        certificate.spec.secret_name
    );
    let said = Said::warning("TruststoreLosesRoots", note);
    context.events.say(about, "Enroll", said);
}
