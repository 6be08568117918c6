//! A newcomer's five minutes: the commands of docs/KUBERNETES.md, in their order, on a cluster that has cert-manager and
//! nothing of ours.

use std::os::unix::fs::symlink;

use proto_tests::Launch;
use proto_tests::kube::chart::repository;
use proto_tests::kube::kubelet::{Running, Workload};
use proto_tests::kube::services::Services;
use proto_tests::kube::{Cluster, Resource, Settings, Stack};
use proto_tests::peer;
use serde_json::{Value, json};

#[test]
fn the_commands_of_the_documentation_lead_to_a_certificate_that_verifies() {
    if peer::missing("openssl") {
        return;
    }
    let Some(stack) = Stack::here() else { return };
    let cluster = Cluster::start(stack, &Settings::default());
    let programs = cluster.folder().join("bin");
    std::fs::create_dir(&programs).unwrap();
    for name in ["kubectl", "helm"] {
        symlink(stack.path(name), programs.join(name)).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let mut newcomer = Launch::of("bash", cluster.folder())
        .args([
            "-euxc",
            &format!("cd {}\n{}", repository("").display(), commands()),
        ])
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("HOME", cluster.folder().to_str().unwrap())
        .env("TMPDIR", cluster.folder().to_str().unwrap())
        .env("KUBECONFIG", cluster.folder().join("admin.kubeconfig"))
        .spawn();

    let services = Services::default();
    let ra = run(&cluster, "certway-ra", &services);
    let issuer = run(&cluster, "certway-issuer", &services);

    newcomer.log_has("company condition met");
    newcomer.log_has("web condition met");
    let ended = newcomer.wait();
    let said = newcomer.output().text();
    assert!(ended.success(), "{said}");
    assert!(said.contains("tls.crt: OK"), "{said}");
    assert!(
        said.contains("O=Certway, CN=First Try Root CA")
            || said.contains("O = Certway, CN = First Try Root CA"),
        "{said}"
    );
    drop((issuer, ra));
}

/// The commands of one section, from its blocks of `sh`.
fn commands() -> String {
    let page = std::fs::read_to_string(repository("docs/KUBERNETES.md")).unwrap();
    let (_, section) = page.split_once("\n## Five minutes\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let blocks = section.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let commands: String = blocks.collect();
    assert!(commands.lines().count() > 8, "only {commands}");
    commands
}

/// What kubelet, kube-proxy and the Deployment controller do: one pod runs, its Service leads to it, and it is available.
fn run(cluster: &Cluster, name: &str, services: &Services) -> Running {
    let deployments = Resource::new("apps/v1", "Deployment");
    let admin = &cluster.admin;
    let deployment = admin.until(&deployments, Some("certway"), name, |all| {
        all.get(name).cloned()
    });
    let pod = Workload::of(cluster, &deployment)
        .env("ALL_PROXY", &services.url())
        .spawn();
    pod.ready();
    let all = admin
        .get(&Resource::core("Service").path(Some("certway")))
        .unwrap();
    for service in all["items"].as_array().unwrap() {
        if pod.is_behind(service) {
            services.lead(service, &pod);
        }
    }
    available(cluster, &deployment);
    pod
}

fn available(cluster: &Cluster, deployment: &Value) {
    let replicas = &deployment["spec"]["replicas"];
    let status = json!({
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [{ "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable" }],
    });
    cluster.admin.merge_status(deployment, &status).unwrap();
}
