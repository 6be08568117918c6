//! trust-manager in a cluster: what its chart installs, and its process. A cluster has one at most, as every one of them
//! answers for every Bundle.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::certs::write;
use crate::https::HttpsClient;
use crate::kube::certmanager::INSTALLED;
use crate::kube::chart::Chart;
use crate::kube::cluster::Cluster;
use crate::kube::namespace::Namespace;
use crate::kube::resource::Resource;
use crate::port::Port;
use crate::program::{Launch, Program, eventually};

/// The chart's name: that of its ServiceAccount and its Deployment too.
const NAME: &str = "trust-manager";
/// Where a pod has the certificate of its webhook.
const TLS: &str = "/tls";

/// It.
pub struct TrustManager {
    /// Its process.
    pub program: Program,
    _ports: Ports,
}

/// Where it listens.
struct Ports {
    webhook: Port,
    probe: Port,
    metrics: Port,
}

impl TrustManager {
    /// Installs it in a namespace of its own, with the sources of its bundles in `sources`, and waits until the API server
    /// has it look at Bundles.
    pub fn install(cluster: &Cluster, sources: &Namespace<'_>) -> Self {
        let own = cluster.namespace(NAME);
        let ports = Ports {
            webhook: Port::free(),
            probe: Port::free(),
            metrics: Port::free(),
        };
        let rendered = Chart::of_stack(cluster.stack(), "trust-manager-chart")
            .release(NAME, &own.name)
            .set("app.trust.namespace", sources.name.as_str())
            .set("app.webhook.host", "127.0.0.1")
            .set("app.webhook.port", ports.webhook.number())
            .set("app.readinessProbe.port", ports.probe.number())
            .set("app.metrics.port", ports.metrics.number())
            // Where its Lease would be, only a pod is told.
            .set("app.leaderElection.enabled", false)
            // The public roots of an image.
            .set("defaultPackage.enabled", false)
            .objects();
        install(cluster, &rendered);
        wait_for_rights(cluster, &own, sources);
        let program = launch(cluster, &own, &rendered).spawn();
        cluster.answers_for(&program);
        let probe = HttpsClient::plain(ports.probe.address());
        eventually("trust-manager is ready", || {
            let answer = probe.try_request("GET", "/readyz", &[], b"");
            answer.is_ok_and(|answer| answer.status == 200)
        });
        call_webhook(cluster, &rendered, &ports.webhook);
        Self {
            program,
            _ports: ports,
        }
    }
}

fn install(cluster: &Cluster, rendered: &[Value]) {
    for object in rendered {
        if INSTALLED.contains(&object["kind"].as_str().unwrap()) {
            cluster.admin.apply(object).unwrap();
        }
    }
    let definition = of_kind(rendered, "CustomResourceDefinition");
    let admin = &cluster.admin;
    admin.until_condition(definition, "Established", "True");
}

/// The authorizer hears of a Role a moment after it was made, and who is refused at first tries again ever more slowly.
fn wait_for_rights(cluster: &Cluster, own: &Namespace<'_>, sources: &Namespace<'_>) {
    let account = cluster.service_account(&own.name, NAME);
    eventually("trust-manager has its rights", || {
        account.may("list", "trust.cert-manager.io", "bundles", None)
            && account.may("list", "", "configmaps", None)
            && account.may("list", "", "secrets", Some(&sources.name))
    });
}

/// As the Deployment says, by a token of the ServiceAccount that the chart gives rights to.
fn launch(cluster: &Cluster, own: &Namespace<'_>, rendered: &[Value]) -> Launch {
    let folder = cluster.folder().join(NAME);
    let tls = folder.join("tls");
    std::fs::create_dir_all(&tls).unwrap();
    let server = cluster.authority.server("trust-manager-webhook");
    write(&tls, "tls.crt", server.chain_pem());
    write(&tls, "tls.key", server.key_pem());
    let deployment = of_kind(rendered, "Deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().unwrap().iter();
    let arguments = arguments.map(|one| one.as_str().unwrap().replace(TLS, tls.to_str().unwrap()));
    Launch::of(cluster.stack().path(NAME), folder)
        .args(arguments)
        .args(["--kubeconfig", &cluster.kubeconfig_of(&own.name, NAME)])
}

/// Has the API server ask it about Bundles, and waits until it does.
fn call_webhook(cluster: &Cluster, rendered: &[Value], port: &Port) {
    let mut configuration = of_kind(rendered, "ValidatingWebhookConfiguration").clone();
    let client = &mut configuration["webhooks"][0]["clientConfig"];
    let path = client["service"]["path"].as_str().unwrap();
    *client = json!({
        "url": format!("https://{}{path}", port.address()),
        "caBundle": BASE64_STANDARD.encode(cluster.authority.certificate().to_pem()),
    });
    cluster.admin.apply(&configuration).unwrap();
    let nothing = json!({
        "apiVersion": "trust.cert-manager.io/v1alpha1",
        "kind": "Bundle",
        "metadata": { "name": "nothing" },
        "spec": { "sources": [{ "useDefaultCAs": false }] },
    });
    let path = Resource::of(&nothing).path(None) + "?dryRun=All";
    eventually("trust-manager is asked about Bundles", || {
        let answer = cluster.admin.post(&path, &nothing);
        answer.is_err_and(|refused| refused.message.contains("trust.cert-manager.io\" denied"))
    });
}

fn of_kind<'a>(rendered: &'a [Value], kind: &str) -> &'a Value {
    let mut found = rendered.iter().filter(|object| object["kind"] == kind);
    found
        .next()
        .unwrap_or_else(|| panic!("the chart has no {kind}"))
}
