//! The definitions of our kinds in the chart.

use std::collections::BTreeMap;

use proto_tests::Launch;
use proto_tests::kube::chart::objects_of;
use proto_tests::kube::{Chart, Stack};
use proto_tests::program::binary;
use serde_json::{Value, json};

#[test]
fn the_chart_has_the_definitions_that_the_program_prints() {
    let Some(stack) = Stack::here() else { return };
    let chart = Chart::named(stack, "certway-issuer");
    assert!(
        chart.text("files/crds.json") == printed(&["--onap"]),
        "the kinds changed: certway-issuer crds --onap > helm/certway-issuer/files/crds.json"
    );
    for (onap, flags) in [(false, &[][..]), (true, &["--onap"])] {
        let rendered = chart.release("issuer", "certway").set("onap.enabled", onap);
        // Both read by the same reader: to it 1 and 1.0 are one number.
        let list = objects_of(stack, &printed(flags)).remove(0);
        let printed = list["items"].as_array().unwrap();
        assert_eq!(definitions(&rendered.objects()), definitions(printed));
    }
}

fn definitions(objects: &[Value]) -> BTreeMap<String, &Value> {
    let definitions = objects
        .iter()
        .filter(|o| o["kind"] == "CustomResourceDefinition");
    definitions
        .map(|o| (o["metadata"]["name"].to_string(), &o["spec"]))
        .collect()
}

#[test]
fn the_definitions_stay_when_the_release_goes_unless_that_is_switched_off() {
    let Some(stack) = Stack::here() else { return };
    let chart = Chart::named(stack, "certway-issuer");
    for (keep, expected) in [(true, json!("keep")), (false, Value::Null)] {
        let release = chart.release("issuer", "certway").set("crds.keep", keep);
        let rendered = release.objects();
        let definitions: Vec<&Value> = rendered
            .iter()
            .filter(|o| o["kind"] == "CustomResourceDefinition")
            .collect();
        assert_eq!(definitions.len(), 2);
        for definition in definitions {
            let policy = &definition["metadata"]["annotations"]["helm.sh/resource-policy"];
            assert_eq!(policy, &expected);
        }
    }
}

fn printed(flags: &[&str]) -> String {
    let crds = Launch::of(binary("certway-issuer"), std::env::temp_dir()).arg("crds");
    crds.args(flags.iter().copied()).run().stdout
}
