//! certway-issuer in a cluster, with a certway-ra behind it that has a CA of its own.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::Certificate;
use serde_json::{Value, json};

use crate::https::HttpsClient;
use crate::kube::cluster::Cluster;
use crate::kube::namespace::Namespace;
use crate::kube::resource::Resource;
use crate::port::Port;
use crate::program::{Launch, Program, binary, eventually};
use crate::service::{Service, Setup};

/// The namespace that the manifests make, and the ServiceAccount in it.
pub const NAMESPACE: &str = "certway";
const NAME: &str = "certway-issuer";

/// Takes what the conformance tables ask for: every kind of name, CA certificates, and a validity of 10,000 hours.
const RA: &str = r#"
[authorities.RA.local]
folder = "ca"
root_subject = "O=Certway Tests,CN=Root CA"
issuing_subject = "O=Certway Tests,CN=Issuing CA"
max_validity = "500d"
backdate = "10s"
[profiles.RA]
authority = "RA"
max_validity = "500d"
ca_certificates = true
sans = ["dns", "ip", "email", "uri", "directory", "registered-id", "other"]
[labels.RA]
profile = "RA"
"#;

/// The issuer and its RA.
pub struct Certway {
    /// certway-issuer, as its ServiceAccount.
    pub issuer: Program,
    /// certway-ra.
    pub ra: Service,
    listen: Port,
}

impl Certway {
    /// Installs the kinds and `deploy/kubernetes`, and starts what its Deployment says, with a token of its ServiceAccount.
    pub fn install(cluster: &Cluster) -> Self {
        install_kinds(cluster);
        for file in ["certway-issuer.yaml", "approval.yaml"] {
            apply(cluster, &["-f", &manifest(file)]);
        }
        let ra = start_ra(cluster);
        let listen = Port::free();
        let issuer = deployed(cluster, &listen).spawn();
        cluster.answers_for(&issuer);
        ready(&listen);
        Self { issuer, ra, listen }
    }

    /// Starts the issuer again after it was killed, and waits until it is ready.
    pub fn restart(&mut self, cluster: &Cluster) {
        self.issuer.restart(0);
        cluster.answers_for(&self.issuer);
        ready(&self.listen);
    }

    /// The root of the RA's own CA.
    pub fn root(&self) -> Certificate {
        let file = self.ra.setup.path("ca/root.crt");
        Certificate::from_pem(&std::fs::read(file).unwrap()).unwrap()
    }

    /// An Issuer named `certway` in a namespace, by a client certificate in the Secret `ra-client`; waits until it is ready.
    pub fn issuer_in(&self, namespace: &Namespace<'_>) -> Value {
        apply(
            namespace.cluster,
            &["-n", &namespace.name, "-f", &manifest("namespace.yaml")],
        );
        let client = &self.ra.setup.pki.client;
        let encode = |text: String| BASE64_STANDARD.encode(text);
        let secret = namespace.object(
            &Resource::core("Secret"),
            "ra-client",
            &json!({
                "type": "kubernetes.io/tls",
                "data": {
                    "tls.crt": encode(client.chain_pem()),
                    "tls.key": encode(client.key_pem()),
                },
            }),
        );
        namespace.api().create(&secret).unwrap();
        let issuer = namespace.object(
            &Resource::new("certway.dev/v1beta1", "Issuer"),
            "certway",
            &json!({ "spec": {
                "url": format!("https://localhost:{}", self.ra.setup.port.number()),
                "ca": "RA",
                "auth": { "clientCertificate": { "secretName": "ra-client" } },
                "caBundle": self.ra.trust().to_pem(),
            } }),
        );
        namespace.api().create(&issuer).unwrap();
        namespace.api().until_condition(&issuer, "Ready", "True")
    }
}

fn manifest(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kubernetes");
    folder.join(name).to_str().unwrap().to_owned()
}

fn apply(cluster: &Cluster, arguments: &[&str]) {
    let kubectl = cluster.kubectl(&["apply", "--server-side"]);
    let ended = kubectl.args(arguments.iter().copied()).run();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
}

fn install_kinds(cluster: &Cluster) {
    let printed = Launch::of(binary(NAME), cluster.folder()).arg("crds").run();
    let list: Value = serde_json::from_str(&printed.stdout).unwrap();
    for definition in list["items"].as_array().unwrap() {
        cluster.admin.apply(definition).unwrap();
        cluster
            .admin
            .until_condition(definition, "Established", "True");
    }
}

fn start_ra(cluster: &Cluster) -> Service {
    let setup = Setup::within(cluster.folder());
    let launch = setup.launch_from_file(RA);
    let ra = setup.start_as(launch);
    cluster.answers_for(&ra.program);
    ra
}

fn ready(listen: &Port) {
    let client = HttpsClient::plain(listen.address());
    eventually("certway-issuer is ready", || {
        let answer = client.try_request("GET", "/readyz", &[], b"");
        answer.is_ok_and(|answer| answer.status == 200)
    });
}

/// What the Deployment says, for one pod without a kubelet.
fn deployed(cluster: &Cluster, listen: &Port) -> Launch {
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}");
    let deployment = cluster.admin.get(&path).unwrap();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().unwrap().iter();
    let arguments = arguments.filter_map(Value::as_str);
    // Two clusters on one machine cannot have the same port.
    let arguments = arguments.filter(|argument| !argument.starts_with("--listen="));
    let folder = cluster.folder().join(NAME);
    std::fs::create_dir_all(&folder).unwrap();
    Launch::of(binary(NAME), folder)
        .args(arguments)
        .args(["--listen", &listen.address().to_string()])
        .env("KUBECONFIG", cluster.kubeconfig_of(NAMESPACE, NAME))
        .env("POD_NAMESPACE", NAMESPACE)
        .env("POD_NAME", "certway-issuer-1")
}
