//! `certway` as built, against certway-ra as built: what init containers and people do.

mod exit_codes;
mod kill;
mod stores;
mod work;

use std::path::PathBuf;

use pki::{Certificate, PrivateKey};
use proto_tests::native::{Native, NativeSetup};
use proto_tests::{Ended, Launch};
use tempfile::TempDir;

const SUBJECT: &str = "O=Example,CN=web";
const PASSWORD: &str = "store-password";

/// certway's folder, and the service it goes to.
struct Desk {
    native: Native,
    folder: TempDir,
}

impl Desk {
    /// At certway-ra with a CA of its own; certificates of that CA are taken on TLS, so that they can renew themselves.
    fn new() -> Self {
        Self::with(&NativeSetup::local_authority, "")
    }

    fn with(authority: &dyn Fn(&NativeSetup) -> String, profile: &str) -> Self {
        let setup = NativeSetup::new();
        let config = authority(&setup) + &setup.label(profile, "");
        let trusted = setup.pki.root.certificate.to_pem() + &setup.root.certificate.to_pem();
        setup.write("clients.pem", trusted);
        Self::at(setup.start(&config))
    }

    fn at(native: Native) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let client = &native.setup.pki.client;
        proto_tests::certs::write(folder.path(), "client.pem", client.pem());
        let root = native.setup.pki.root.certificate.to_pem();
        proto_tests::certs::write(folder.path(), "service-root.pem", root);
        proto_tests::certs::write(folder.path(), "password", PASSWORD);
        Self { native, folder }
    }

    /// certway with those arguments, knowing where the service is.
    fn launch(&self, arguments: &[&str]) -> Launch {
        let address = self.native.rest(None).address();
        Launch::certway(self.folder.path())
            .args(arguments)
            .env(
                "CERTWAY_URL",
                format!("https://localhost:{}", address.port()),
            )
            .env("CERTWAY_CA", "RA")
            .env("CERTWAY_CACERT", "service-root.pem")
            .env("CERTWAY_RETRY_FOR", "0s")
    }

    /// The same with the client's certificate.
    fn as_client(&self, arguments: &[&str]) -> Launch {
        self.launch(arguments).env("CERTWAY_TLS_CERT", "client.pem")
    }

    /// Runs it; it has to end with that code.
    #[track_caller]
    fn run(&self, arguments: &[&str], code: i32) -> Ended {
        ended(&self.as_client(arguments), code)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn certificates(&self, name: &str) -> Vec<Certificate> {
        Certificate::all_from_pem(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    fn key(&self, name: &str) -> PrivateKey {
        PrivateKey::from_pem(&std::fs::read(self.path(name)).unwrap(), None).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(self.path(name)).unwrap();
        metadata.permissions().mode() & 0o777
    }
}

#[track_caller]
fn ended(launch: &Launch, code: i32) -> Ended {
    let ended = launch.run();
    assert_eq!(ended.code, Some(code), "{}\n{}", ended.stdout, ended.stderr);
    ended
}
