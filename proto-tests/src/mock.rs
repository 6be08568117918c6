//! `openssl cmp -port`: a CA that OpenSSL plays. It gives everyone the one certificate it was started with.

use std::path::Path;
use std::process::Command;

use pki::{Certificate, Template};

use crate::ca::{REFERENCE, SECRET};
use crate::certs::{Issuer, Keys, write};
use crate::port::Port;
use crate::program::{Launch, Program};

/// The server.
pub struct Mock {
    /// Its process.
    pub program: Program,
    /// The root of what it gives out.
    pub root: Issuer,
    /// What it gives out.
    pub certificate: Certificate,
    /// The key that certificate is for: the only one to ask with.
    pub key: pki::PrivateKey,
    port: Port,
    _folder: tempfile::TempDir,
}

/// The environment variable that says that a test runs in a network of its own.
const ISOLATED: &str = "CERTWAY_TESTS_ISOLATED";

/// Runs the test that calls this in a network of its own, where that is possible: the mock server listens on every interface.
/// True when the caller is to go on; false when it was run, and passed.
///
/// # Panics
/// When the test failed there.
pub fn isolated() -> bool {
    if std::env::var_os(ISOLATED).is_some() {
        return true;
    }
    let unshare = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-r", "-n", "sh", "-c"]).args(arguments);
        command
    };
    let up = "ip link set lo up || ifconfig lo up";
    let possible = unshare(&[up])
        .output()
        .is_ok_and(|output| output.status.success());
    if !possible {
        eprintln!("no network of its own can be had: the mock server listens on every interface");
        return true;
    }
    let test = std::thread::current().name().unwrap().to_owned();
    let this = std::env::current_exe().unwrap();
    let script = format!("({up}) && exec \"$0\" \"$@\"");
    let status = unshare(&[&script])
        .arg(this)
        .args(["--exact", &test, "--nocapture", "--test-threads", "1"])
        .env(ISOLATED, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&status.stdout) + String::from_utf8_lossy(&status.stderr);
    assert!(status.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

impl Mock {
    /// Starts one for that subject and those names, with more arguments.
    pub fn start(subject: &str, sans: &[&str], arguments: &[&str]) -> Self {
        let root = Issuer::root("O=OpenSSL,CN=Mock CA");
        let key = Keys::ec();
        let mut template = Template::new(crate::certs::dn(subject), key.public_key().clone());
        template.sans = crate::certs::sans(sans);
        let certificate = root.sign(template);
        let (folder, port) = (tempfile::tempdir().unwrap(), Port::free());
        let mut launch = launch(folder.path(), &root, &certificate, &port);
        launch = launch.args(arguments.iter().copied());
        let program = launch.spawn();
        program.log_has("ACCEPT");
        Self {
            program,
            root,
            certificate,
            key,
            port,
            _folder: folder,
        }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}/pkix/", self.port.address())
    }
}

fn launch(folder: &Path, root: &Issuer, certificate: &Certificate, port: &Port) -> Launch {
    write(folder, "certificate.pem", certificate.to_pem());
    write(folder, "root.pem", root.certificate.to_pem());
    write(folder, "root.key", crate::certs::pkcs8_pem(&root.key));
    let port = port.number().to_string();
    let secret = format!("pass:{SECRET}");
    let arguments = [
        "cmp",
        "-config",
        "",
        "-port",
        &port,
        "-srv_ref",
        REFERENCE,
        "-srv_secret",
        &secret,
        "-rsp_cert",
        "certificate.pem",
        "-rsp_capubs",
        "root.pem",
        "-srv_trusted",
        "root.pem",
    ];
    Launch::of("openssl", folder).args(arguments)
}
