//! What the API server says of what the charts render.

use std::collections::BTreeSet;

use proto_tests::certs::write;
use proto_tests::kube::{Chart, Cluster, Release, Stack};
use serde_json::{Value, json};

use crate::world::world;

#[test]
fn the_api_server_takes_all_that_the_charts_render_to_the_last_field() {
    let (Some(stack), Some(cluster)) = (Stack::here(), world()) else {
        return;
    };
    for chart in Chart::all(stack) {
        for values in chart.ci_values() {
            let file = values.file_stem().unwrap().to_str().unwrap();
            let release = chart.release("dry", "dry-run").values(&values);
            let manifests = release.manifests();
            make_namespaces(cluster, &cluster.objects_of(&manifests));
            let path = format!("{}-{file}.yaml", chart.name());
            let path = write(cluster.folder(), &path, manifests);
            let kubectl = [
                "apply",
                "--server-side",
                "--dry-run=server",
                "--force-conflicts",
            ];
            let kubectl = cluster.kubectl(&kubectl);
            let ended = kubectl.args(["--validate=strict", "-f", &path]).run();
            assert_eq!(ended.code, Some(0), "{path}: {}", ended.stderr);
        }
    }
}

#[test]
fn pods_of_the_charts_may_run_where_the_restricted_level_is_enforced() {
    let (Some(stack), Some(cluster)) = (Stack::here(), world()) else {
        return;
    };
    let namespace = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "restricted",
            "labels": { "pod-security.kubernetes.io/enforce": "restricted" },
        },
    });
    cluster.admin.apply(&namespace).unwrap();
    for chart in Chart::all(stack) {
        let release = chart.release("pods", "restricted");
        let rendered = release.values(&chart.minimal()).objects();
        let accounts = rendered.iter().filter(|o| o["kind"] == "ServiceAccount");
        for account in accounts {
            cluster.admin.apply(account).unwrap();
        }
        let deployments = rendered.iter().filter(|o| o["kind"] == "Deployment");
        for deployment in deployments {
            let pod = json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "name": "pod", "namespace": "restricted" },
                "spec": deployment["spec"]["template"]["spec"],
            });
            let path = "/api/v1/namespaces/restricted/pods?dryRun=All&fieldValidation=Strict";
            let taken = cluster.admin.post(path, &pod);
            assert!(taken.is_ok(), "{}: {taken:?}", chart.name());
        }
    }
}

#[test]
fn an_upgrade_with_the_same_values_changes_nothing() {
    let (Some(stack), Some(cluster)) = (Stack::here(), world()) else {
        return;
    };
    for chart in Chart::all(stack) {
        let name = format!("again-{}", chart.name());
        let release = chart.release(&name, "again").values(&chart.minimal());
        let release = without_kinds(&chart, release);
        helm(cluster, "install", &release.arguments());
        let installed = |cluster: &Cluster| -> Vec<Value> {
            let objects = release.objects();
            let now = objects
                .iter()
                .map(|object| cluster.admin.read(object).unwrap());
            now.map(lasting).collect()
        };
        let before = installed(cluster);
        assert!(before.len() > 3, "{before:?}");
        helm(cluster, "upgrade", &release.arguments());
        assert_eq!(installed(cluster), before, "{name}");
    }
}

/// An object without what controllers write, and without the API server's own book-keeping.
fn lasting(mut object: Value) -> Value {
    object.as_object_mut().unwrap().remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    for name in ["resourceVersion", "managedFields"] {
        metadata.remove(name);
    }
    object
}

/// The kinds are there once in the shared cluster, and belong to another release.
fn without_kinds(chart: &Chart, release: Release) -> Release {
    match chart.name() {
        "certway-issuer" => release.set("crds.enabled", false),
        "certway" => release.set("certway-issuer.crds.enabled", false),
        _ => release,
    }
}

fn helm(cluster: &Cluster, verb: &str, release: &[String]) {
    let ended = cluster
        .helm(&[verb])
        .args(release)
        .arg("--create-namespace")
        .run();
    assert_eq!(ended.code, Some(0), "{verb}: {}", ended.stderr);
}

fn make_namespaces(cluster: &Cluster, objects: &[Value]) {
    let names = objects
        .iter()
        .filter_map(|object| object["metadata"]["namespace"].as_str());
    for name in names.collect::<BTreeSet<_>>() {
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        cluster.admin.apply(&namespace).unwrap();
    }
}
