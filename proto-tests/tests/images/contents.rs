//! What is in an image, and what it says of itself.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::containers::Container;
use crate::store::{IMAGES, Store};

/// Every file and folder below `folder` with its owner, its permissions and whether it is a folder, by path.
fn listing(folder: &Path) -> BTreeMap<String, (u32, u32, bool)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            let inside = path.strip_prefix(folder).unwrap().display().to_string();
            let what = (about.uid(), about.mode() & 0o7777, about.is_dir());
            found.insert(inside, what);
            if about.is_dir() {
                open.push(path);
            }
        }
    }
    found
}

#[test]
fn an_image_is_one_program_the_roots_of_public_cas_and_one_folder_to_write_to() {
    let Some(store) = Store::open() else { return };
    for image in IMAGES {
        let container = Container::of(store, &Store::name(image, ""));
        let program = format!("usr/bin/{image}");
        let files = listing(&container.files());
        let mut all: Vec<_> = files.iter().filter(|(_, what)| !what.2).collect();
        all.sort();
        let roots = "etc/ssl/certs/ca-certificates.crt".to_owned();
        assert_eq!(
            all,
            [(&roots, &(0, 0o644, false)), (&program, &(0, 0o755, false))]
        );
        let writable = |(_, (owner, mode, _)): &(&String, &(u32, u32, bool))| {
            *owner == 65532 || mode & 0o022 != 0
        };
        let writable: Vec<_> = files
            .iter()
            .filter(writable)
            .map(|(path, _)| path)
            .collect();
        assert_eq!(writable, ["var/lib/certway"], "{image}");
    }
}

#[test]
fn an_image_runs_as_nobody_by_number_and_says_what_it_is() {
    let Some(store) = Store::open() else { return };
    for image in IMAGES {
        let config = store.config_of(&Store::name(image, ""));
        assert_eq!(config["User"], "65532:65532");
        assert_eq!(config["Entrypoint"], json!([format!("/usr/bin/{image}")]));
        let labels = &config["Labels"];
        let label = |name: &str| labels[format!("org.opencontainers.image.{name}")].as_str();
        assert_eq!(label("title"), Some(image));
        assert_eq!(label("licenses"), Some("Apache-2.0"));
        assert_eq!(label("version"), Some(env!("CARGO_PKG_VERSION")));
        assert!(label("description").is_some_and(|text| !text.is_empty()));
        let revision = label("revision").unwrap();
        let hex = revision.trim_end_matches("-dirty");
        assert!(
            hex.len() == 40 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
            "{revision}"
        );
        label("created")
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap();
    }
}

#[test]
fn two_builds_of_one_commit_have_one_digest() {
    let Some(store) = Store::open() else { return };
    store.build(&["--without-sbom", "--tag", "again", "certway-issuer"]);
    let digest = |variant| store.beside("certway-issuer", variant, "digest");
    assert!(digest("").starts_with(b"sha256:"));
    assert_eq!(digest(""), digest("-again"));
}

#[test]
fn nothing_of_the_machine_it_was_built_on_is_in_a_program() {
    let Some(store) = Store::open() else { return };
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let home = std::env::var("CARGO_HOME")
        .unwrap_or_else(|_| format!("{}/.cargo", std::env::var("HOME").unwrap()));
    for image in IMAGES {
        let container = Container::of(store, &Store::name(image, ""));
        let program = fs::read(container.files().join("usr/bin").join(image)).unwrap();
        for path in [sources.to_str().unwrap(), &home] {
            let place = program
                .windows(path.len())
                .position(|window| window == path.as_bytes());
            assert_eq!(
                place.map(|at| text_around(&program, at)),
                None,
                "{image} has {path}"
            );
        }
    }
}

fn text_around(octets: &[u8], at: usize) -> String {
    let end = octets.len().min(at + 200);
    String::from_utf8_lossy(&octets[at..end]).into_owned()
}

#[test]
fn a_bill_of_materials_lies_beside_each_image() {
    let Some(store) = Store::open() else { return };
    let parts = |image: &str| -> Vec<String> {
        let bill: Value = serde_json::from_slice(&store.beside(image, "", "cdx.json")).unwrap();
        assert_eq!(bill["bomFormat"], "CycloneDX");
        assert_eq!(bill["metadata"]["component"]["name"], image);
        let parts = bill["components"].as_array().unwrap().iter();
        parts
            .map(|part| part["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let has = |image, part: &str| parts(image).iter().any(|name| name == part);
    for image in IMAGES {
        assert!(has(image, "aws-lc-sys"), "{image}");
    }
    assert!(has("certway-ra", "sqlx") && !has("certway-ra", "kube"));
    assert!(has("certway-issuer", "kube") && !has("certway-issuer", "sqlx"));
}
