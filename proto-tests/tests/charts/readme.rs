//! The tables of values in the charts' READMEs, made of the comments in their values.yaml.

use std::fmt::Write as _;

use proto_tests::kube::{Chart, Stack};
use serde_json::Value;

const BEGIN: &str = "<!-- values: made of values.yaml -->\n";
/// What a cell of the table takes.
const LONGEST: usize = 120;
const END: &str = "<!-- end of values -->\n";

#[test]
fn each_readme_has_the_values_of_its_chart() {
    let Some(stack) = Stack::here() else { return };
    for chart in Chart::all(stack) {
        let readme = chart.text("README.md");
        let (before, rest) = readme.split_once(BEGIN).expect("no table begins");
        let (_, after) = rest.split_once(END).expect("no table ends");
        let expected = format!("{before}{BEGIN}{}{END}{after}", table(&chart));
        if readme == expected {
            continue;
        }
        let file = chart.folder.join("README.md");
        // As snapshots are taken over: by who asks for it.
        if std::env::var_os("CERTWAY_WRITE_README").is_some() {
            std::fs::write(&file, expected).unwrap();
            continue;
        }
        panic!(
            "{} is not what values.yaml says: run this test with CERTWAY_WRITE_README=1",
            file.display()
        );
    }
}

#[test]
fn every_value_has_a_comment_that_says_what_it_is() {
    let Some(stack) = Stack::here() else { return };
    for chart in Chart::all(stack) {
        let described: Vec<String> = described(&chart.text("values.yaml"))
            .into_iter()
            .map(|(path, _)| path)
            .collect();
        for leaf in leaves("", &chart.values()) {
            let covered = described
                .iter()
                .any(|path| leaf == *path || leaf.starts_with(&format!("{path}.")));
            assert!(covered, "{}: {leaf} has no comment", chart.name());
        }
    }
}

fn table(chart: &Chart) -> String {
    let values = chart.values();
    let mut table = String::from("\n| Value | Default | |\n|---|---|---|\n");
    for (path, description) in described(&chart.text("values.yaml")) {
        let default = path.split('.').fold(&values, |value, name| &value[name]);
        let default = match default.to_string().replace('|', "\\|") {
            long if long.len() > LONGEST => "see values.yaml".to_owned(),
            short => format!("`{short}`"),
        };
        writeln!(table, "| `{path}` | {default} | {description} |").unwrap();
    }
    table.push('\n');
    table
}

/// Paths and what is said of them: a comment that begins with `# --`, and the key below it.
fn described(yaml: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut parents: Vec<(usize, String)> = Vec::new();
    let mut comment: Option<String> = None;
    for line in yaml.lines() {
        let text = line.trim_start();
        if let Some(begun) = text.strip_prefix("# -- ") {
            comment = Some(begun.to_owned());
        } else if let (Some(comment), Some(more)) = (&mut comment, text.strip_prefix("# ")) {
            comment.push(' ');
            comment.push_str(more);
        } else if let Some((key, _)) = text
            .split_once(':')
            .filter(|_| !text.starts_with(['#', '-']))
        {
            let depth = line.len() - text.len();
            parents.retain(|(parent, _)| *parent < depth);
            parents.push((depth, key.to_owned()));
            if let Some(comment) = comment.take() {
                let path: Vec<&str> = parents.iter().map(|(_, key)| key.as_str()).collect();
                found.push((path.join("."), comment));
            }
        }
    }
    found
}

fn leaves(path: &str, value: &Value) -> Vec<String> {
    match value.as_object().filter(|map| !map.is_empty()) {
        None => vec![path.to_owned()],
        Some(map) => {
            let below = map.iter().flat_map(|(name, value)| {
                let separator = if path.is_empty() { "" } else { "." };
                leaves(&format!("{path}{separator}{name}"), value)
            });
            below.collect()
        }
    }
}
