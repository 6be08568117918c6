//! The CA issuer in cert-manager's own tree.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proto_tests::certs::{Issuer, pkcs8_pem};
use proto_tests::kube::{Namespace, Resource};
use serde_json::json;

use crate::tested::{Provided, Tested};

/// It signs in the controllers' process, with a key from a Secret.
pub const IN_TREE: Tested = Tested {
    unsupported: &[],
    provide,
};

fn provide(namespace: &Namespace<'_>) -> Provided {
    let root = Issuer::root("O=Certway Tests,CN=In-tree Root");
    let encode = |text: String| BASE64_STANDARD.encode(text);
    let secret = namespace.object(
        &Resource::core("Secret"),
        "ca",
        &json!({
            "type": "kubernetes.io/tls",
            "data": {
                "tls.crt": encode(root.certificate.to_pem()),
                "tls.key": encode(pkcs8_pem(&root.key)),
            },
        }),
    );
    namespace.api().create(&secret).unwrap();
    let issuer = namespace.create("Issuer", "ca", &json!({ "ca": { "secretName": "ca" } }));
    namespace.api().until_condition(&issuer, "Ready", "True");
    Provided {
        reference: json!({ "name": "ca", "kind": "Issuer", "group": "cert-manager.io" }),
        signer_name: format!("issuers.cert-manager.io/{}.ca", namespace.name),
        root: root.certificate,
    }
}
