//! certway-issuer in a cluster, with a certway-ra behind it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::Certificate;
use serde_json::{Value, json};

use crate::ca::{self, EmbeddedCa};
use crate::certs::{Identity, Pki, write};
use crate::kube::chart::repository;
use crate::kube::cluster::Cluster;
use crate::kube::kubelet;
use crate::kube::namespace::Namespace;
use crate::kube::replica::{NAME, NAMESPACE, Pod, Replica};
use crate::kube::resource::Resource;
use crate::service::{Service, Setup};

/// Takes what the conformance tables ask for: every kind of name, CA certificates, and a validity of 10,000 hours.
const RA: &str = r#"
[authorities.RA.local]
folder = "ca"
root_subject = "O=Certway Tests,CN=Root CA"
issuing_subject = "O=Certway Tests,CN=Issuing CA"
issuing_path_len = 1
max_validity = "500d"
[profiles.RA]
authority = "RA"
max_validity = "500d"
ca_certificates = true
sans = ["dns", "ip", "email", "uri", "directory", "registered-id", "other"]
[labels.RA]
profile = "RA"
"#;

/// The first pod of the Deployment.
const POD: &str = "certway-issuer-1";
/// The RA's token in it.
const TOKEN: &str = "var/run/secrets/certway-ra/token";

/// The issuer and its RA.
pub struct Certway {
    /// certway-issuer, as its ServiceAccount.
    pub issuer: Replica,
    /// certway-ra.
    pub ra: Service,
}

impl Certway {
    /// Before a CA of the RA's own, with one replica.
    pub fn install(cluster: &Cluster) -> Self {
        manifests(cluster);
        let setup = Setup::within(cluster.folder());
        Self::with_ra(cluster, setup, RA)
    }

    /// Before a CMP CA, with one replica.
    pub fn before(cluster: &Cluster, ca: &EmbeddedCa) -> Self {
        Self::before_as(
            cluster,
            ca,
            "takes = { ra_verified = true, kur_on_behalf = true }",
        )
    }

    /// The same, with these lines on what the CA takes and how.
    pub fn before_as(cluster: &Cluster, ca: &EmbeddedCa, upstream: &str) -> Self {
        manifests(cluster);
        let setup = Setup::within(cluster.folder());
        setup.write("upstream.secret", ca::SECRET);
        setup.write("upstream.pem", ca.root.to_pem());
        Self::with_ra(cluster, setup, &before(ca, upstream))
    }

    /// Before a CA of the RA's own, with one replica whom the RA knows by a token of its ServiceAccount, as the chart has it with `raToken`. The keys
    /// are where the cluster's own description says, and the RA has to say who it is to see them.
    pub fn by_token(cluster: &Cluster) -> Self {
        prepare_cluster(cluster);
        let setup = Setup::within(cluster.folder());
        setup.write("cluster.pem", cluster.authority.certificate().to_pem());
        cluster.service_account(NAMESPACE, "certway-ra");
        setup.write(
            "ra.token",
            cluster.admin.token(NAMESPACE, "certway-ra", None),
        );
        let config = format!("{RA}{}", by_token(&cluster.control_plane.url()));
        let launch = setup.launch_from_file(&config);
        let ra = setup.start_as(launch.env("CERTWAY_RA_LISTEN__CLIENT_AUTH", "optional"));
        cluster.answers_for(&ra.program);
        let url = format!("https://localhost:{}", ra.setup.port.number());
        let release = cluster
            .chart(NAME)
            .release(NAME, NAMESPACE)
            .set("crds.enabled", false)
            .set("raToken.urls", json!([url]))
            .set("checkEvery", "1s");
        cluster.install(&release);
        let issuer = Pod::named(cluster, POD).start();
        Self { issuer, ra }
    }

    /// Gives the replica a token of that ServiceAccount for that audience, as a kubelet does when one is about to end: the file is another one from then on.
    pub fn give_token(cluster: &Cluster, account: &str, audience: &str) {
        cluster.service_account(NAMESPACE, account);
        let token = cluster.admin.token(NAMESPACE, account, Some(audience));
        let file = kubelet::root(cluster, NAMESPACE, POD).join(TOKEN);
        assert!(file.is_file(), "the chart mounts no token there");
        let new = file.with_extension("new");
        std::fs::write(&new, token).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn with_ra(cluster: &Cluster, setup: Setup, config: &str) -> Self {
        let launch = setup.launch_from_file(config);
        let ra = setup.start_as(launch);
        cluster.answers_for(&ra.program);
        let issuer = Pod::named(cluster, POD).start();
        Self { issuer, ra }
    }

    /// The root of the RA's own CA.
    pub fn root(&self) -> Certificate {
        let file = self.ra.setup.path("ca/root.crt");
        Certificate::from_pem(&std::fs::read(file).unwrap()).unwrap()
    }

    /// An Issuer named `certway` in a namespace, by a client certificate in the Secret `ra-client`; waits until it is ready.
    pub fn issuer_in(&self, namespace: &Namespace<'_>) -> Value {
        self.issuer_with(namespace, &json!({}))
    }

    /// The same, with more in its `spec`.
    pub fn issuer_with(&self, namespace: &Namespace<'_>, more: &Value) -> Value {
        let issuer = self.create_issuer(namespace, more);
        namespace.api().until_condition(&issuer, "Ready", "True")
    }

    /// The same, without waiting for anything.
    pub fn create_issuer(&self, namespace: &Namespace<'_>, more: &Value) -> Value {
        let (pki, port) = (&self.ra.setup.pki, self.ra.setup.port.number());
        prepare(namespace);
        credentials(namespace, "ra-client", &pki.client);
        issuer(namespace, "certway", &spec(pki, port, more))
    }
}

/// Installs `deploy/kubernetes`, without anything that runs.
pub fn manifests(cluster: &Cluster) {
    prepare_cluster(cluster);
    for file in ["certway-issuer.yaml", "approval.yaml"] {
        apply(cluster, &manifest(file));
    }
}

/// Makes the namespace and the kinds.
fn prepare_cluster(cluster: &Cluster) {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE },
    });
    cluster.admin.apply(&namespace).unwrap();
    install_kinds(cluster);
}

/// Lets the controller do in a namespace what its issuers there need.
pub fn prepare(namespace: &Namespace<'_>) {
    apply_in(namespace, "namespace.yaml");
}

/// Lets the controller see in a namespace what a renewal replaces.
pub fn prepare_renewal(namespace: &Namespace<'_>) {
    apply_in(namespace, "renewal.yaml");
}

fn apply_in(namespace: &Namespace<'_>, file: &str) {
    let text = std::fs::read_to_string(manifest(file)).unwrap();
    let text = text.replace("your-namespace", &namespace.name);
    let name = format!("{}-{file}", namespace.name);
    apply(
        namespace.cluster,
        &write(namespace.cluster.folder(), &name, text),
    );
}

/// A `kubernetes.io/tls` Secret with which the RA is asked.
pub fn credentials(namespace: &Namespace<'_>, name: &str, client: &Identity) {
    let encode = |text: String| BASE64_STANDARD.encode(text);
    let secret = namespace.object(
        &Resource::core("Secret"),
        name,
        &json!({
            "type": "kubernetes.io/tls",
            "data": { "tls.crt": encode(client.chain_pem()), "tls.key": encode(client.key_pem()) },
        }),
    );
    namespace.api().create(&secret).unwrap();
}

/// What an Issuer says for the label `RA` of the certway-ra at that port of this machine, by the client certificate in `ra-client`, unless `more` says otherwise.
pub fn spec(pki: &Pki, port: u16, more: &Value) -> Value {
    let mut spec = json!({
        "url": format!("https://localhost:{port}"),
        "ca": "RA",
        "auth": { "clientCertificate": { "secretName": "ra-client" } },
        "caBundle": pki.root.certificate.to_pem(),
    });
    let more = more.as_object().unwrap().clone();
    spec.as_object_mut().unwrap().extend(more);
    spec
}

/// An Issuer.
pub fn issuer(namespace: &Namespace<'_>, name: &str, spec: &Value) -> Value {
    let kind = Resource::new("certway.dev/v1beta1", "Issuer");
    let issuer = namespace.object(&kind, name, &json!({ "spec": spec }));
    namespace.api().create(&issuer).unwrap()
}

fn manifest(name: &str) -> String {
    let file = repository("deploy/kubernetes").join(name);
    file.to_str().unwrap().to_owned()
}

fn apply(cluster: &Cluster, file: &str) {
    let ended = cluster
        .kubectl(&["apply", "--server-side", "-f", file])
        .run();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

fn install_kinds(cluster: &Cluster) {
    let file = manifest("crds.yaml");
    apply(cluster, &file);
    let text = std::fs::read_to_string(file).unwrap();
    for definition in cluster.objects_of(&text) {
        cluster
            .admin
            .until_condition(&definition, "Established", "True");
    }
}

fn by_token(issuer: &str) -> String {
    format!(
        r#"
[token_issuers.cluster]
issuer = "{issuer}"
audience = "certway-ra"
[token_issuers.cluster.keys]
tls_roots = ["cluster.pem"]
token_file = "ra.token"
refresh_every = "1h"
[callers.certway-issuer]
service_account = {{ issuer = "cluster", namespace = "{NAMESPACE}", name = "{NAME}" }}
"#
    )
}

fn before(ca: &EmbeddedCa, upstream: &str) -> String {
    format!(
        r#"
[authorities.RA.cmp]
url = "{url}"
mac = {{ reference = "{reference}", secret = {{ file = "upstream.secret" }} }}
trust = {{ anchors = ["upstream.pem"] }}
{upstream}
[profiles.RA]
authority = "RA"
anchors = ["upstream.pem"]
[labels.RA]
profile = "RA"
# Renewals are asked for in the holder's name.
[callers.issuer]
certificates = ["dns:client.example"]
acts_as_ra = true
"#,
        url = ca.url(),
        reference = ca::REFERENCE,
    )
}
