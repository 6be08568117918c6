//! cert-manager's admission is really asked.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::{Csr, Template};
use proto_tests::Keys;
use proto_tests::certs::{dn, sans};
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Namespace, Resource, cluster};
use serde_json::{Value, json};

use crate::in_tree::IN_TREE;

/// A CertificateRequest for a name of its own, to an issuer.
pub fn request(namespace: &Namespace<'_>, name: &str, issuer: &Value) -> Value {
    let key = Keys::ec();
    let mut template = Template::new(dn("CN=request"), key.public_key().clone());
    template.sans = sans(&["dns:request.example.com"]);
    let csr = Csr::build(&template, &key).unwrap().to_pem();
    namespace.object(
        &Resource::cert_manager("CertificateRequest"),
        name,
        &json!({ "spec": {
            "request": BASE64_STANDARD.encode(csr),
            "issuerRef": issuer,
        } }),
    )
}

#[test]
fn a_request_says_who_made_it() {
    let Some((namespace, provided)) = IN_TREE.site("userinfo", &[]) else {
        return;
    };
    let made = request(&namespace, "r", &provided.reference);
    let made = namespace.api().create(&made).unwrap();
    assert_eq!(made["spec"]["username"], "admin");
    assert_eq!(made["spec"]["groups"][0], "system:masters");
}

#[test]
fn nobody_makes_a_request_in_anothers_name() {
    let Some((namespace, provided)) = IN_TREE.site("foreign", &[]) else {
        return;
    };
    let mut made = request(&namespace, "r", &provided.reference);
    made["spec"]["username"] = "somebody else".into();
    let made = namespace.api().create(&made);
    // Admission writes over what the requester claims.
    assert_eq!(made.unwrap()["spec"]["username"], "admin");
}

#[test]
fn a_request_does_not_change() {
    let Some((namespace, provided)) = IN_TREE.site("fixed", &[]) else {
        return;
    };
    let made = request(&namespace, "r", &provided.reference);
    let made = namespace.api().create(&made).unwrap();
    let change = json!({ "spec": { "isCA": true } });
    let refused = namespace.api().merge(&made, &change).unwrap_err();
    assert_eq!(refused.code, 403);
    assert!(refused.message.contains("webhook.cert-manager.io"));
}

#[test]
fn usages_in_the_pkcs10_request_are_those_of_the_request() {
    let Some((namespace, provided)) = IN_TREE.site("usages", &[]) else {
        return;
    };
    let key = Keys::ec();
    let mut template = Template::new(dn("CN=request"), key.public_key().clone());
    template.key_usage = Some(pki::KeyUsages::DIGITAL_SIGNATURE);
    let csr = Csr::build(&template, &key).unwrap().to_pem();
    let mut made = request(&namespace, "r", &provided.reference);
    made["spec"]["request"] = BASE64_STANDARD.encode(csr).into();
    made["spec"]["usages"] = json!(["cert sign"]);
    let refused = namespace.api().create(&made).unwrap_err();
    assert!(
        refused
            .message
            .contains("do not match the expected KeyUsages"),
        "{refused:?}"
    );
}

#[test]
fn conditions_are_a_map_so_that_two_writers_do_not_meet() {
    let Some(cluster) = cluster() else { return };
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/certificaterequests.cert-manager.io";
    let definition = cluster.admin.get(path).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let conditions = &schema["properties"]["status"]["properties"]["conditions"];
    assert_eq!(conditions["x-kubernetes-list-type"], "map");
    assert_eq!(conditions["x-kubernetes-list-map-keys"], json!(["type"]));
}

#[test]
fn an_approval_is_for_ever() {
    let Some((namespace, provided)) = IN_TREE.site("approved", &[]) else {
        return;
    };
    let made = request(&namespace, "r", &provided.reference);
    let made = namespace.api().create(&made).unwrap();
    let approved = namespace.api().until_condition(&made, "Approved", "True");
    assert_eq!(
        condition(&approved, "Approved")["reason"],
        "cert-manager.io"
    );
    let denial = json!({ "conditions": [{
        "type": "Denied", "status": "True", "reason": "Tests", "message": "too late",
    }] });
    let refused = namespace.api().merge_status(&made, &denial).unwrap_err();
    assert_eq!(refused.code, 403, "{refused:?}");
}
