//! `demo.env`: what the shown lines need, as shell assignments.

use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::material::{DEVICE, Material};
use super::ports::Ports;
use super::{LABEL, client};

/// Assignments, and where the command line tool is.
pub(super) struct Environment {
    /// The file they are in.
    pub(super) file: String,
    /// Read by `certway` too, so they are exported.
    certway: Vec<(&'static str, String)>,
    /// For the shell alone.
    shell: Vec<(&'static str, String)>,
    tool: Tool,
}

/// How the command line tool is called.
#[derive(Debug, PartialEq)]
enum Tool {
    /// It lies beside us.
    Beside(PathBuf),
    /// It can be built: the manifest of the workspace.
    Source(PathBuf),
    /// By its name, if it is installed.
    Installed,
}

impl Environment {
    /// What it takes to reach the demo.
    pub(super) fn new(folder: &Folder, ports: &Ports, material: &Material) -> Self {
        let rest = client::rest(ports);
        Self {
            file: folder.text("demo.env"),
            certway: vec![
                ("CERTWAY_URL", rest.clone()),
                ("CERTWAY_CA", LABEL.to_owned()),
                ("CERTWAY_CACERT", folder.text("ca/root.crt")),
                ("CERTWAY_TLS_CERT", folder.text("tls/client.crt")),
                ("CERTWAY_TLS_KEY", folder.text("tls/client.key")),
            ],
            shell: vec![
                ("DEMO", folder.root().to_string_lossy().into_owned()),
                ("V1_URL", format!("{rest}/v1/certificate/{LABEL}")),
                ("V2_URL", format!("{rest}/v2/{LABEL}")),
                ("CMP_URL", client::cmp(ports)),
                ("CMP_TLS_URL", client::cmp_over_tls(ports)),
                ("CRL_URL", client::crl(ports)),
                ("CMP_REF", DEVICE.to_owned()),
                ("CMP_SECRET", material.device_secret.clone()),
                ("TRY_KEY", folder.text("try.key")),
                ("TRY_CSR", folder.text("try.csr")),
                ("OUT", folder.text("out")),
            ],
            tool: Tool::find(
                std::env::current_exe().ok().as_deref(),
                std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
            ),
        }
    }

    /// The file's content.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("# For a shell: . demo.env\n");
        for (name, value) in &self.certway {
            text.push_str(&format!("export {name}={}\n", quoted(value)));
        }
        for (name, value) in &self.shell {
            text.push_str(&format!("{name}={}\n", quoted(value)));
        }
        text.push_str("# Nothing of this goes through a proxy.\n");
        text.push_str("export no_proxy=\"127.0.0.1${no_proxy:+,$no_proxy}\"\n");
        if let Some(command) = self.tool.command() {
            text.push_str(&format!("certway() {{ {command} \"$@\"; }}\n"));
        }
        text
    }

    /// How to read it.
    pub(super) fn source_line(&self) -> String {
        format!(". {}", shown(&self.file))
    }

    /// What to know about `certway` before it is called.
    pub(super) fn remark(&self) -> Option<&'static str> {
        match self.tool {
            Tool::Beside(_) => None,
            Tool::Source(_) => Some("certway is built when it is first called"),
            Tool::Installed => Some("certway has to be installed"),
        }
    }
}

impl Tool {
    /// `package`: what cargo says when it runs us.
    fn find(exe: Option<&Path>, package: Option<PathBuf>) -> Self {
        let beside = exe.map(|exe| exe.with_file_name("certway"));
        if let Some(beside) = beside.filter(|path| path.is_file()) {
            return Self::Beside(beside);
        }
        let manifest = package.map(|package| package.join("../cli/Cargo.toml"));
        match manifest.and_then(|path| path.canonicalize().ok()) {
            Some(manifest) => Self::Source(manifest),
            None => Self::Installed,
        }
    }

    fn command(&self) -> Option<String> {
        match self {
            Self::Beside(path) => Some(quoted(&path.to_string_lossy())),
            Self::Source(manifest) => Some(format!(
                "cargo run --quiet --release --manifest-path {} --",
                quoted(&manifest.to_string_lossy())
            )),
            Self::Installed => None,
        }
    }
}

/// One word to every POSIX shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The same for people: quoted where it has to be.
fn shown(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if text.bytes().all(plain) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_a_value_as_it_was_whatever_is_in_it() {
        for value in [
            "plain",
            "it's",
            "a b",
            "$HOME `id` \\ \"x\" !",
            "two\nlines",
            "''",
        ] {
            let script = format!("x={}; printf %s \"$x\"", quoted(value));
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
        }
    }

    #[test]
    fn the_tool_beside_us_is_taken_before_its_source() {
        let dir = tempfile::tempdir().unwrap();
        let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let exe = dir.path().join("certway-ra");
        let found = || Tool::find(Some(&exe), Some(package.clone()));
        assert!(matches!(found(), Tool::Source(path) if path.ends_with("crates/cli/Cargo.toml")));
        std::fs::write(dir.path().join("certway"), "").unwrap();
        assert_eq!(found(), Tool::Beside(dir.path().join("certway")));
        assert_eq!(Tool::find(None, None), Tool::Installed);
    }
}
