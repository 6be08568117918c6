//! The configuration that certway-ra's chart makes of its values.

use proto_tests::Launch;
use proto_tests::certs::{Pki, write};
use proto_tests::kube::{Chart, Stack};
use serde_json::Value;

#[test]
fn certway_ra_takes_every_configuration_that_its_chart_makes_with_the_files_where_they_are_mounted()
{
    let Some(stack) = Stack::here() else { return };
    for chart in ["certway-ra", "certway"] {
        let chart = Chart::named(stack, chart);
        for values in chart.ci_values() {
            let rendered = chart.release("r", "certway").values(&values).objects();
            let of = |kind: &str| {
                let mut objects = rendered.iter().filter(|object| object["kind"] == kind);
                objects.find(|object| {
                    object["metadata"]["labels"]["app.kubernetes.io/name"] == "certway-ra"
                })
            };
            // As ONAP's CertService it has none.
            let Some(config) = of("ConfigMap") else {
                continue;
            };
            check(config, of("Deployment").unwrap(), values.to_str().unwrap());
        }
    }
}

fn check(config: &Value, deployment: &Value, values: &str) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let pki = Pki::new();
    for mount in container["volumeMounts"].as_array().unwrap() {
        let mount = mount["mountPath"].as_str().unwrap();
        let file = |name: &str, content: String| {
            write(
                root,
                &format!("{}/{name}", mount.trim_start_matches('/')),
                content,
            );
        };
        let ca = pki.root.certificate.to_pem();
        match mount.trim_start_matches("/etc/certway-ra/") {
            "tls" => {
                file("tls.crt", pki.server.chain_pem());
                file("tls.key", pki.server.key_pem());
            }
            "config" => {
                let text = config["data"]["certway-ra.toml"].as_str().unwrap();
                let data = format!("{}/var/lib/certway", root.display());
                file("certway-ra.toml", text.replace("/var/lib/certway", &data));
            }
            "client-ca" | "configmaps/company-ca" | "database/roots" => file("ca.crt", ca),
            "secrets/ejbca" => file("secret", "a shared secret of the two".to_owned()),
            "database/password" => file("password", "a password".to_owned()),
            "/var/lib/certway" => file("is-there", String::new()),
            "/extra" => {}
            other => panic!("{values}: what is in {other}?"),
        }
    }
    let ended = Launch::certway_ra(root.join("etc/certway-ra"))
        .args(["check-config", "config/certway-ra.toml"])
        .run();
    assert_eq!(
        ended.code,
        Some(0),
        "{values}: {}{}",
        ended.stdout,
        ended.stderr
    );
}
