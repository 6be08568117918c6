//! The two configurations: what a real installation would have, in the folder of the demo.

use super::folder::Folder;
use super::material::{ISSUING_SUBJECT, ROOT_SUBJECT};
use super::ports::Ports;

/// Writes `ca.toml` and `certway-ra.toml`.
pub(super) fn write(folder: &Folder, ports: &Ports) -> anyhow::Result<()> {
    let (ca, rest, cmp) = (
        ports.ca.to_string(),
        ports.rest.to_string(),
        ports.cmp.to_string(),
    );
    let (ca_journal, ra_journal) = (journal(folder, "ca.db"), journal(folder, "certway-ra.db"));
    folder.write(
        "ca.toml",
        &filled(
            include_str!("ca.toml"),
            &[
                ("@CA_PORT@", &ca),
                ("@JOURNAL@", &ca_journal),
                ("@ROOT@", ROOT_SUBJECT),
                ("@ISSUING@", ISSUING_SUBJECT),
            ],
        ),
    )?;
    folder.write(
        "certway-ra.toml",
        &filled(
            include_str!("certway-ra.toml"),
            &[
                ("@REST_PORT@", &rest),
                ("@CMP_PORT@", &cmp),
                ("@CA_PORT@", &ca),
                ("@JOURNAL@", &ra_journal),
            ],
        ),
    )
}

fn filled(template: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        })
}

/// The URL of a file there. Its path may have any character, a URL only some.
fn journal(folder: &Folder, name: &str) -> String {
    let path = folder.text(name);
    let mut url = String::from("sqlite://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::super::material::Material;
    use super::*;
    use crate::check;

    #[tokio::test]
    async fn both_configurations_are_right_in_a_folder_of_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("50% of it's \"a\" demo?#")).unwrap();
        Material::prepare(&folder).await.unwrap();
        let ports = Ports {
            rest: 8443,
            cmp: 8080,
            ca: 8081,
            taken: Vec::new(),
        };
        write(&folder, &ports).unwrap();
        for name in ["ca.toml", "certway-ra.toml"] {
            let checked = check::check(&folder.path(name));
            assert!(checked.is_ok(), "{name}: {}", checked.unwrap_err());
            let text = folder.read(name).unwrap().unwrap();
            assert!(!text.contains('@'), "{text}");
        }
    }
}
