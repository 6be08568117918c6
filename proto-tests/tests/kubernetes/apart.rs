//! A cluster where nobody approves by himself, and no certway-issuer runs but the ones that tests start for namespaces of
//! their own.

use std::sync::OnceLock;

use jiff::{Timestamp, Unit};
use proto_tests::kube::watch::condition;
use proto_tests::kube::{Cluster, Namespace, Resource, Settings, Stack, kinds};
use serde_json::{Value, json};

use crate::certificates::ready;

/// It, started by the first who asks; `None` where there may be none, which the test has then said.
pub fn apart() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let stack = Stack::here()?;
    Some(CLUSTER.get_or_init(|| {
        let settings = Settings {
            controllers: vec!["--controllers=*,-certificaterequests-approver".to_owned()],
            ..Settings::default()
        };
        let cluster = Cluster::start(stack, &settings);
        for definition in kinds::ours(&cluster) {
            kinds::define(&cluster, &definition);
        }
        kinds::define(&cluster, &kinds::onaps(&cluster));
        cluster
    }))
}

/// Approves a CertificateRequest.
pub fn approve(namespace: &Namespace<'_>, request: &Value) {
    namespace.api().merge_status(request, &approval()).unwrap();
}

/// The status of a request that is approved.
pub fn approval() -> Value {
    json!({ "conditions": [{
        "type": "Approved", "status": "True", "reason": "Tests", "message": "by the tests",
        "lastTransitionTime": Timestamp::now().round(Unit::Second).unwrap(),
    }] })
}

/// Creates a Certificate, approves its first request, and waits until it is ready.
pub fn issued(namespace: &Namespace<'_>, name: &str, spec: &Value) -> Value {
    let certificate = namespace.create("Certificate", name, spec);
    approve(namespace, &request_of(namespace, name, 1));
    ready(namespace, &certificate)
}

/// The request of a Certificate's revision, once it is there and undecided.
pub fn request_of(namespace: &Namespace<'_>, certificate: &str, revision: u32) -> Value {
    let name = format!("{certificate}-{revision}");
    let kind = Resource::cert_manager("CertificateRequest");
    let request = namespace.object(&kind, &name, &json!({}));
    let what = format!("{name} waits for approval");
    namespace.api().until_object(&request, &what, |now| {
        let open = !now.is_null() && condition(now, "Approved").is_null();
        open.then(|| now.clone())
    })
}
