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
