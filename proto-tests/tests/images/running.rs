//! Programs started from their images, as the images' user.

use std::path::Path;

use pki::{Certificate, Csr, Template};
use proto_tests::certs::dn;
use proto_tests::native::{Native, NativeSetup};
use proto_tests::program::eventually;
use proto_tests::{Answer, Keys, Launch};
use serde_json::json;

use crate::containers::{Container, Running, runs, started_by};
use crate::store::Store;

/// certway-ra out of its image, over a CA of its own, with its journal in the folder that the image has for it.
struct Contained {
    native: Native,
    container: Container,
}

const ENVIRONMENT: [(&str, &str); 2] = [
    ("CERTWAY_RA_ADMIN__PORT", "0"),
    (
        "CERTWAY_RA_JOURNAL__URL",
        "sqlite:///var/lib/certway/journal.db",
    ),
];

impl Contained {
    fn new(store: &'static Store) -> Self {
        Self::started(store, |container, folder, arguments| {
            container.launch(folder, folder, &ENVIRONMENT, arguments)
        })
    }

    /// As `launch` says it of the container, the folder of the configuration, and the arguments.
    fn started(
        store: &'static Store,
        launch: impl FnOnce(&Container, &Path, &[&str]) -> Launch,
    ) -> Self {
        let setup = NativeSetup::new();
        let config = setup.local_authority() + &setup.label("", "");
        setup.launch(&config);
        let container = Container::of(store, &Store::name("certway-ra", ""));
        let file = setup.path("certway.toml");
        let arguments = ["serve", "--config", file.to_str().unwrap()];
        let launch = launch(&container, setup.folder(), &arguments);
        let native = setup.start_as(launch);
        Self { native, container }
    }

    /// Asks a probe of the same image: its exit code, and what it says.
    fn probe(&self, question: &str) -> (Option<i32>, String) {
        let admin = self.native.program.admin().address().to_string();
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["probe", question, "--address", &admin];
        let launch = self
            .container
            .launch(folder.path(), Path::new("/mnt"), &[], &arguments);
        let ended = launch.run();
        (ended.code, ended.stderr)
    }

    fn enroll(&self) -> Answer {
        let key = Keys::ec();
        let template = Template::new(dn("O=Example,CN=contained"), key.public_key().clone());
        let csr = Csr::build(&template, &key).unwrap();
        let body = json!({ "csr": csr.to_pem() }).to_string();
        let client = self.native.rest(Some(&self.native.setup.pki.client));
        client.post("/v2/RA/certificates", "application/json", body.as_bytes())
    }
}

#[test]
fn the_registration_authority_serves_and_writes_only_where_it_may() {
    let Some(store) = Store::open() else { return };
    let contained = Contained::new(store);
    let answer = contained.enroll();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let body = answer.json();
    Certificate::from_pem(body["certificate"].as_str().unwrap().as_bytes()).unwrap();
    let journal = contained
        .container
        .files()
        .join("var/lib/certway/journal.db");
    assert_eq!(proto_tests::ca::issued(&journal), 1);
}

#[test]
fn the_registration_authority_serves_on_a_root_file_system_that_is_read_only() {
    let Some(store) = Store::open() else { return };
    let data = tempfile::tempdir().unwrap();
    let contained = Contained::started(store, |container, folder, arguments| {
        let launch = container.launch_read_only(folder, data.path(), arguments);
        let environment = ENVIRONMENT.iter();
        environment.fold(launch, |launch, (name, value)| launch.env(name, *value))
    });
    let started = started_by(contained.native.program.id());
    let program = started
        .iter()
        .find(|(_, program)| program.ends_with("certway-ra"));
    let mounts = format!("/proc/{}/mountinfo", program.unwrap().0);
    let mounts = std::fs::read_to_string(mounts).unwrap();
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut roots = mounts.lines().map(words).filter(|line| line[4] == "/");
    let root = roots.next_back().unwrap();
    assert!(root[5].split(',').any(|option| option == "ro"), "{root:?}");
    let answer = contained.enroll();
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(proto_tests::ca::issued(&data.path().join("journal.db")), 1);
    drop(contained);
    eventually("all of it ends", || !started.iter().any(runs));
}

#[test]
fn what_was_started_in_a_container_does_not_outlive_its_test() {
    let Some(store) = Store::open() else { return };
    let contained = Contained::new(store);
    let started = started_by(contained.native.program.id());
    let names = |processes: &[Running]| -> Vec<_> {
        let names = processes
            .iter()
            .filter_map(|(_, program)| program.file_name());
        names.map(|name| name.display().to_string()).collect()
    };
    let all = names(&started);
    assert!(all.iter().any(|name| name == "certway-ra"), "{all:?}");
    drop(contained);
    eventually("all of them end", || !started.iter().any(runs));
}

#[test]
fn a_program_of_the_image_answers_for_kubelet_whether_the_service_lives_and_is_ready() {
    let Some(store) = Store::open() else { return };
    let contained = Contained::new(store);
    for question in ["live", "ready"] {
        let (code, said) = contained.probe(question);
        assert_eq!(code, Some(0), "{said}");
    }
}

#[test]
fn the_command_line_enrolls_from_its_image() {
    let Some(store) = Store::open() else { return };
    let native = Native::local();
    let folder = tempfile::tempdir().unwrap();
    let write = |name, content| proto_tests::certs::write(folder.path(), name, content);
    write("client.pem", native.setup.pki.client.pem());
    write("root.pem", native.setup.pki.root.certificate.to_pem());
    let url = format!("https://localhost:{}", native.setup.rest_address().port());
    let environment = [
        ("CERTWAY_URL", url.as_str()),
        ("CERTWAY_CA", "RA"),
        ("CERTWAY_CACERT", "/mnt/root.pem"),
        ("CERTWAY_TLS_CERT", "/mnt/client.pem"),
    ];
    let arguments = [
        "enroll",
        "--subject",
        "O=Example,CN=web",
        "--out",
        "/mnt/web",
    ];
    let container = Container::of(store, &Store::name("certway", ""));
    let launch = container.launch(folder.path(), Path::new("/mnt"), &environment, &arguments);
    let ended = launch.run();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let made = std::fs::read(folder.path().join("web/tls.crt")).unwrap();
    let leaf = &Certificate::all_from_pem(&made).unwrap()[0];
    assert_eq!(leaf.subject(), &dn("O=Example,CN=web"));
}

#[test]
fn the_issuer_starts_from_its_image() {
    let Some(store) = Store::open() else { return };
    let container = Container::of(store, &Store::name("certway-issuer", ""));
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let launch = container.launch(folder.path(), Path::new("/mnt"), &[], arguments);
        launch.run()
    };
    let ended = run(&["crds"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let list: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let port = proto_tests::Port::free();
    let ended = run(&["probe", "ready", "--address", &port.address().to_string()]);
    assert_eq!(ended.code, Some(1));
    let expected = format!("nothing answers at {}", port.address());
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
}

#[test]
fn a_static_program_says_that_it_loads_no_pkcs11_module() {
    let Some(store) = Store::open() else { return };
    let setup = NativeSetup::new();
    let local = r#"
[pkcs11.hsm]
module = "/usr/lib/softhsm/libsofthsm2.so"
[authorities.ca.local]
folder = "ca"
root_key = "pkcs11:token=certway;object=root"
"#;
    setup.launch(&(local.to_owned() + &setup.label("", "")));
    let container = Container::of(store, &Store::name("certway-ra", ""));
    let file = setup.path("certway.toml");
    let arguments = ["check-config", file.to_str().unwrap()];
    let launch = container.launch(setup.folder(), setup.folder(), &[], &arguments);
    let ended = launch.run();
    assert_eq!(ended.code, Some(1));
    let said = "authorities.ca.local.root_key: this program is linked statically and can load no PKCS#11 module";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}
