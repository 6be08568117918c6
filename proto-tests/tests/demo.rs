//! `certway-ra demo`: what a newcomer sees, and every line it tells them to try.

use std::path::Path;
use std::process::{Command, Stdio};

use pki::Certificate;
use proto_tests::program::Ended;
use proto_tests::{Launch, Port, Program, peer};

/// The sentence after which the demo can be used.
const READY: &str = "The demo keeps running; Ctrl-C ends it.";

struct Ports([Port; 3]);

impl Ports {
    fn free() -> Self {
        Self([Port::free(), Port::free(), Port::free()])
    }

    fn demo(&self, folder: &Path, arguments: &[&str]) -> Launch {
        let [rest, cmp, ca] = self.0.each_ref().map(|port| port.number().to_string());
        Launch::certway_ra(folder.parent().unwrap())
            .args(["demo", "--dir", folder.to_str().unwrap()])
            .args(["--rest-port", &rest, "--cmp-port", &cmp, "--ca-port", &ca])
            .args(arguments.iter().copied())
    }
}

/// What people get to see of one step: its heading and the rows below it.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let from = text
        .find(heading)
        .unwrap_or_else(|| panic!("no `{heading}` in:\n{text}"));
    let rest = &text[from..];
    let mut paragraphs = rest.match_indices("\n\n").skip(1);
    paragraphs.next().map_or(rest, |(end, _)| &rest[..end])
}

fn row<'a>(section: &'a str, name: &str) -> &'a str {
    let start = format!("    {name:<10}");
    let line = section.lines().find(|line| line.starts_with(&start));
    &line.unwrap_or_else(|| panic!("no row `{name}` in:\n{section}"))[start.len()..]
}

#[test]
fn once_it_shows_a_certificate_through_each_door_and_leaves_with_0() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("demo");
    let Ended {
        code,
        stdout,
        stderr,
    } = Ports::free().demo(&folder, &["--once"]).run();
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    for (heading, name) in [
        ("1. ", "rest-v1"),
        ("2. ", "rest-v2"),
        ("3. ", "cmp"),
        ("4. ", "rest-v2"),
    ] {
        let section = section(&stdout, heading);
        assert_eq!(row(section, "subject"), format!("O=Certway Demo,CN={name}"));
        assert_eq!(row(section, "names"), format!("dns:{name}.demo.example"));
        assert!(row(section, "valid").contains(" UTC to "), "{section}");
        assert!(
            section.contains("O=Certway Demo,CN=Demo Issuing CA"),
            "{section}"
        );
        assert_eq!(row(section, "roots"), "O=Certway Demo,CN=Demo Root CA");
        let files: Vec<_> = row(section, "files").split(", ").collect();
        let chain = std::fs::read(folder.join(files[0])).unwrap();
        let leaf = Certificate::from_pem(&chain).unwrap();
        assert_eq!(
            pki::name::onap::display(leaf.subject()),
            row(section, "subject")
        );
    }
    assert!(
        section(&stdout, "4. ").contains("the CA was asked by "),
        "{stdout}"
    );
    let revoked = section(&stdout, "5. ");
    assert_eq!(row(revoked, "reason"), "superseded");
    let old = Certificate::from_pem(&std::fs::read(folder.join("certs/rest-v2.crt")).unwrap());
    assert!(hex::encode(old.unwrap().serial()).ends_with(row(revoked, "serial")));
    assert!(row(revoked, "listed").ends_with("/crl/signer.crl"));
    assert!(!stdout.contains(READY));
    assert_eq!(stderr, "");
}

#[test]
fn a_second_run_in_the_same_folder_keeps_the_pki_and_the_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a demo's folder");
    let kept = || {
        [
            "ca/root.crt",
            "ca/issuing.key",
            "tls/server.key",
            "tls/client.crt",
            "secrets/device",
            "try.csr",
        ]
        .map(|name| std::fs::read_to_string(folder.join(name)).unwrap())
    };
    let ports = Ports::free();
    let first = ports.demo(&folder, &["--once"]).run();
    assert_eq!(first.code, Some(0), "{first:?}");
    let before = kept();
    let second = ports.demo(&folder, &["--once"]).run();
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(kept(), before);
}

#[test]
fn a_port_that_is_taken_is_named_and_the_exit_code_is_not_0() {
    let dir = tempfile::tempdir().unwrap();
    let ports = Ports::free();
    let taken = std::net::TcpListener::bind(ports.0[0].address()).unwrap();
    let ended = ports.demo(&dir.path().join("demo"), &["--once"]).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains(&ports.0[0].number().to_string()),
        "{ended:?}"
    );
    drop(taken);
}

#[test]
fn every_line_it_tells_people_to_try_works_as_it_stands() {
    if peer::missing("openssl") || peer::missing("curl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // A name that breaks everything that is not quoted.
    let folder = dir.path().join("it's a demo");
    let mut program = Ports::free().demo(&folder, &[]).spawn();
    program.log_has(READY);
    let pasted = Pasted::from(&program.output().text());
    for (what, least) in [("curl ", 3), ("openssl cmp ", 3), ("certway ", 4)] {
        let count = pasted
            .lines
            .iter()
            .filter(|line| line.contains(what))
            .count();
        assert!(count >= least, "{count} lines with {what}");
    }
    for line in &pasted.lines {
        let stdout = pasted.run(line);
        let file = named_file(line).map(|name| folder.join(name));
        match file {
            Some(file) => {
                let text = std::fs::read(&file).unwrap_or_else(|e| panic!("{line}: {e}"));
                let leaf = Certificate::from_pem(&text).unwrap();
                assert!(
                    leaf.verify_signed_by(issuing(&folder).public_key()).is_ok(),
                    "{line}"
                );
            }
            None if line.contains("$CRL_URL") => {
                // The demo's own, openssl's and certway's.
                assert_eq!(stdout.matches("Serial Number").count(), 3, "{stdout}");
            }
            None if line.starts_with("curl ") => {
                assert!(
                    stdout.contains("-----BEGIN CERTIFICATE-----"),
                    "{line}\n{stdout}"
                );
            }
            None => assert!(
                ["-cmd rr", "certway show", "certway revoke"]
                    .iter()
                    .any(|known| line.contains(known)),
                "nothing is known of what this line does: {line}"
            ),
        }
    }
    program.signal("INT");
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn its_configurations_can_be_served_by_themselves() {
    if peer::missing("curl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("demo");
    let ended = Ports::free().demo(&folder, &["--once"]).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let serve = |name: &str, sockets| -> Program {
        let path = folder.join(name);
        let launch = Launch::certway_ra(dir.path());
        launch
            .args(["serve", "--config", path.to_str().unwrap()])
            .start(sockets)
    };
    let _servers = (serve("ca.toml", 1), serve("certway-ra.toml", 2));
    let pasted = Pasted::from(&ended.stdout);
    let v1 = pasted
        .lines
        .iter()
        .find(|line| line.contains("$V1_URL"))
        .unwrap();
    assert!(pasted.run(v1).contains("certificateChain"));
}

/// What the demo tells people to paste.
struct Pasted {
    /// The line that reads `demo.env`.
    source: String,
    lines: Vec<String>,
}

impl Pasted {
    fn from(text: &str) -> Self {
        let (_, next) = text
            .split_once("Try next")
            .expect("no section with lines to try");
        let joined = next.replace("\\\n", "\\\u{1}");
        let mut lines = joined
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .map(|line| line.replace("\\\u{1}", "\\\n"));
        Self {
            source: lines.next().unwrap(),
            lines: lines.collect(),
        }
    }

    /// Runs a line in a shell that has read `demo.env`, and gives what it wrote.
    fn run(&self, line: &str) -> String {
        assert!(self.source.starts_with(". "), "{}", self.source);
        let output = Command::new("sh")
            .args(["-euc", &format!("{}\n{line}\n", self.source)])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}\n{stdout}\n{stderr}");
        stdout
    }
}

/// The certificate a line writes, below the demo's folder.
fn named_file(line: &str) -> Option<String> {
    let after = |option: &str| Some(line.split_once(option)?.1);
    let file = after("-certout ").map(|rest| rest.trim_end_matches(')').to_owned());
    file.or_else(|| {
        let folder = after("--out \"$OUT/")?.split('"').next()?;
        Some(format!("out/{folder}/tls.crt"))
    })
}

fn issuing(folder: &Path) -> Certificate {
    Certificate::from_pem(&std::fs::read(folder.join("ca/issuing.crt")).unwrap()).unwrap()
}
