//! Keystores: those of other makers are read, and other makers read ours.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use pki::keystore::{
    Format, KeyEntry, Keystore, KeystoreError, TrustedEntry, read, write_jks, write_pkcs12,
};
use pki::{Certificate, KeyKind, PrivateKey};
use secrecy::SecretString;

use crate::authority::Authority;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/keystores")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn certificate(name: &str) -> Certificate {
    Certificate::all_from_pem(&fixture(&format!("{name}.pem")))
        .unwrap()
        .remove(0)
}

fn certificates(names: &[&str]) -> Vec<Certificate> {
    names.iter().map(|name| certificate(name)).collect()
}

fn secret() -> SecretString {
    SecretString::from("secret")
}

fn open(name: &str) -> Keystore {
    read(&fixture(name), Some(&secret())).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refusal(bytes: &[u8], password: &str) -> KeystoreError {
    read(bytes, Some(&SecretString::from(password))).unwrap_err()
}

fn trusted(store: &Keystore) -> Vec<(&str, &Certificate)> {
    store
        .trusted
        .iter()
        .map(|entry| (entry.alias.as_str(), &entry.certificate))
        .collect()
}

#[track_caller]
fn expect_server(store: &Keystore, alias: &str, chain: &[&str]) {
    let [entry] = store.entries.as_slice() else {
        panic!("{} key entries", store.entries.len());
    };
    assert_eq!(entry.alias, alias);
    assert_eq!(entry.chain, certificates(chain));
    assert_eq!(entry.key.public_key(), certificate("server").public_key());
}

const WHOLE: [&str; 3] = ["server", "issuing", "root"];

// Reading

#[test]
fn key_and_chain_of_keytool_are_read_from_jks_and_pkcs12() {
    for name in [
        "keytool-server.jks",
        "keytool-server.p12",
        "keytool-legacy.p12",
    ] {
        let store = open(name);
        expect_server(&store, "server", &WHOLE);
        assert!(store.trusted.is_empty(), "{name}");
    }
}

#[test]
fn a_key_that_keytool_made_itself_is_read() {
    let store = open("keytool-rsa.jks");
    assert_eq!(store.entries[0].alias, "rsa");
    assert_eq!(
        store.entries[0].key.public_key().kind(),
        KeyKind::Rsa { bits: 2048 }
    );
    assert!(store.entries[0].chain[0].is_self_signed());
}

#[test]
fn key_and_chain_of_openssl_are_read_in_both_of_its_protections() {
    for name in ["openssl-modern.p12", "openssl-legacy.p12"] {
        let store = open(name);
        expect_server(&store, "server", &WHOLE);
        assert!(store.trusted.is_empty(), "{name}");
    }
}

#[test]
fn keystores_of_cert_manager_are_read_in_every_profile() {
    for profile in ["legacyrc2", "legacydes", "modern"] {
        let store = open(&format!("certmanager-keystore-{profile}.p12"));
        expect_server(&store, "1", &WHOLE);
        assert!(store.trusted.is_empty(), "{profile}");
    }
    let store = open("certmanager-keystore.jks");
    expect_server(&store, "certificate", &["server", "issuing"]);
    assert_eq!(trusted(&store), [("ca", &certificate("root"))]);
}

#[test]
fn truststores_of_cert_manager_are_read_in_every_profile() {
    let (root, root2) = (certificate("root"), certificate("root2"));
    for profile in ["legacyrc2", "legacydes", "modern"] {
        let store = open(&format!("certmanager-truststore-{profile}.p12"));
        assert_eq!(
            trusted(&store),
            [
                ("CN=Root One,O=Example", &root),
                ("CN=Root Two,O=Example", &root2)
            ]
        );
    }
    assert_eq!(
        trusted(&open("certmanager-truststore.jks")),
        [("ca", &root), ("ca-1", &root2)]
    );
}

#[test]
fn truststores_of_keytool_are_read_with_every_alias() {
    let (root, root2, root3) = (
        certificate("root"),
        certificate("root2"),
        certificate("root3"),
    );
    for name in ["keytool-trust.jks", "keytool-trust.p12"] {
        let store = open(name);
        let mut found = trusted(&store);
        found.sort_by_key(|(alias, _)| *alias);
        assert_eq!(
            found,
            [("root", &root), ("root2", &root2), ("root3", &root3)],
            "{name}"
        );
    }
}

#[test]
fn a_truststore_without_javas_attribute_is_a_truststore() {
    let store = open("openssl-trust.p12");
    let found: Vec<_> = store
        .trusted
        .into_iter()
        .map(|entry| entry.certificate)
        .collect();
    assert_eq!(found, certificates(&["root", "root2", "root3"]));
}

#[test]
fn beside_a_key_only_marked_certificates_are_trusted() {
    let store = open("keytool-mixed.p12");
    expect_server(&store, "server", &WHOLE);
    assert_eq!(trusted(&store), [("ca", &certificate("root2"))]);
}

#[test]
fn a_truststore_without_protection_needs_no_password() {
    let store = read(&fixture("passwordless-truststore.p12"), None).unwrap();
    assert_eq!(store.trusted.len(), 2);
}

#[test]
fn pem_with_text_around_its_blocks_is_a_keystore() {
    expect_server(&open("openssl-dump.pem"), "pem", &WHOLE);
    expect_server(&open("openssl-dump-encrypted.pem"), "pem", &WHOLE);
    expect_server(
        &read(&fixture("openssl-dump.pem"), None).unwrap(),
        "pem",
        &WHOLE,
    );
}

#[test]
fn pem_without_a_key_is_a_truststore() {
    let bundle = [fixture("root2.pem"), fixture("root.pem")].concat();
    let store = read(&bundle, None).unwrap();
    let expected = [
        ("trusted-certificate-1", &certificate("root2")),
        ("trusted-certificate-2", &certificate("root")),
    ];
    assert_eq!(trusted(&store), expected);
}

// Refusing

#[test]
fn a_wrong_password_is_called_so() {
    for (name, format) in [
        ("keytool-server.jks", Format::Jks),
        ("certmanager-keystore.jks", Format::Jks),
        ("keytool-server.p12", Format::Pkcs12),
        ("openssl-legacy.p12", Format::Pkcs12),
        ("keytool-trust.p12", Format::Pkcs12),
    ] {
        let found = refusal(&fixture(name), "wrong");
        assert!(
            matches!(found, KeystoreError::WrongPassword(of) if of == format),
            "{name}: {found}"
        );
    }
    let found = refusal(&fixture("keytool-trust.jks"), "wrong");
    assert!(
        matches!(found, KeystoreError::WrongPasswordOrAltered(Format::Jks)),
        "{found}"
    );
    let found = refusal(&fixture("openssl-dump-encrypted.pem"), "wrong");
    assert!(matches!(found, KeystoreError::Key { .. }), "{found}");
}

#[test]
fn a_missing_password_is_called_so() {
    for name in [
        "keytool-trust.jks",
        "keytool-trust.p12",
        "openssl-modern.p12",
    ] {
        let found = read(&fixture(name), None).unwrap_err();
        assert!(
            matches!(found, KeystoreError::PasswordMissing(_)),
            "{name}: {found}"
        );
    }
}

#[test]
fn no_error_shows_the_password() {
    for name in [
        "keytool-server.jks",
        "keytool-server.p12",
        "openssl-dump-encrypted.pem",
    ] {
        let found = refusal(&fixture(name), "hunter2");
        assert!(!format!("{found} {found:?}").contains("hunter2"));
    }
}

#[test]
fn every_truncation_is_an_error_and_says_truncated_where_lengths_tell() {
    for name in ["certmanager-keystore.jks", "keytool-trust.p12"] {
        let whole = fixture(name);
        for length in 4..whole.len() {
            let found = refusal(&whole[..length], "secret");
            assert!(
                matches!(found, KeystoreError::Truncated { .. }),
                "{name} {length}: {found}"
            );
        }
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    for name in ["keytool-server.jks", "keytool-server.p12"] {
        let found = refusal(&[fixture(name), vec![0]].concat(), "secret");
        assert!(
            matches!(found, KeystoreError::Malformed { .. }),
            "{name}: {found}"
        );
    }
}

#[test]
fn an_altered_file_is_not_blamed_on_the_password() {
    // In a JKS the alias, in a PKCS#12 the MAC's salt: all else stays readable.
    let mut jks = fixture("certmanager-keystore.jks");
    let at = position(&jks, b"certificate");
    jks[at] = b'k';
    let found = refusal(&jks, "secret");
    assert!(
        matches!(found, KeystoreError::Altered(Format::Jks)),
        "{found}"
    );

    let mut p12 = fixture("openssl-modern.p12");
    let at = p12.len() - 8;
    p12[at] ^= 1;
    let found = refusal(&p12, "secret");
    assert!(
        matches!(found, KeystoreError::Altered(Format::Pkcs12)),
        "{found}"
    );
}

#[test]
fn no_single_damaged_byte_is_overlooked() {
    let whole = fixture("certmanager-truststore.jks");
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        assert!(read(&damaged, Some(&secret())).is_err(), "byte {at}");
    }
}

#[test]
fn damaged_stores_are_errors_or_stores_and_never_panics() {
    // The first has no MAC, so that every change reaches the innermost parser.
    for (name, step) in [
        ("passwordless-truststore.p12", 1),
        ("keytool-server.jks", 1),
        ("certmanager-keystore-legacyrc2.p12", 97),
    ] {
        let whole = fixture(name);
        for at in (0..whole.len()).step_by(step) {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= change;
                let found = read(&damaged, Some(&secret()));
                assert!(found.is_err() || step == 1, "{name} byte {at}");
            }
        }
    }
}

#[test]
fn a_key_with_a_password_of_its_own_is_named() {
    let found = refusal(&fixture("keytool-other-key-password.jks"), "secret");
    assert!(
        matches!(&found, KeystoreError::WrongKeyPassword { alias } if alias == "rsa"),
        "{found}"
    );
}

#[test]
fn encrypted_content_without_an_integrity_check_is_refused() {
    let found = refusal(&fixture("openssl-nomac.p12"), "secret");
    assert!(
        matches!(&found, KeystoreError::Unsupported(text) if text.contains("-nomac")),
        "{found}"
    );
}

#[test]
fn other_formats_are_refused_with_the_way_out() {
    let found = refusal(&fixture("keytool-server.jceks"), "secret");
    assert!(
        found.to_string().contains("keytool -importkeystore"),
        "{found}"
    );
    for bytes in [
        &b""[..],
        b"hello",
        b"\xff\xd8\xff\xe0",
        b"-----BEGIN NOTHING-----\n-----END NOTHING-----\n",
    ] {
        assert!(
            matches!(refusal(bytes, "secret"), KeystoreError::UnknownFormat),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_file_beyond_the_bound_is_not_looked_at() {
    let large = vec![0x30; pki::keystore::MAX_KEYSTORE_BYTES + 1];
    assert!(matches!(
        refusal(&large, "secret"),
        KeystoreError::TooLarge(_)
    ));
}

#[test]
fn iteration_counts_beyond_the_bound_are_refused_before_they_are_run() {
    let openssl = fixture("openssl-trust.p12");
    let at = openssl.len() - 4;
    assert_eq!(
        openssl[at..],
        [2, 2, 8, 0],
        "the MAC's 2048 iterations end the file"
    );
    for iterations in [0x0100_0000_u32, 0x7fff_ffff] {
        let bytes = with_mac_iterations(&openssl, iterations);
        let found = refusal(&bytes, "secret");
        assert!(
            matches!(found, KeystoreError::Excessive { value, .. } if value == u64::from(iterations)),
            "{found}"
        );
    }
}

/// The PKCS#12 file with its last element, the MAC's iteration count, replaced by a four-byte one.
fn with_mac_iterations(p12: &[u8], iterations: u32) -> Vec<u8> {
    let mut bytes = p12[..p12.len() - 4].to_vec();
    bytes.extend([2, 4]);
    bytes.extend(iterations.to_be_bytes());
    // Both SEQUENCEs that end here grow by two bytes: the whole, and MacData.
    let length = u16::from_be_bytes([bytes[2], bytes[3]]) + 2;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let mac = (0..p12.len() - 4)
        .rev()
        .find(|&at| p12[at] == 0x30 && usize::from(p12[at + 1]) == p12.len() - at - 2)
        .unwrap();
    bytes[mac + 1] += 2;
    bytes
}

#[test]
fn jks_counts_beyond_the_bound_are_refused_before_they_are_run() {
    let mut jks = fixture("keytool-trust.jks");
    jks[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    let found = refusal(&jks, "secret");
    assert!(matches!(found, KeystoreError::Excessive { .. }), "{found}");
}

#[test]
fn a_key_without_its_certificate_is_refused() {
    let key = PrivateKey::generate(KeyKind::P256)
        .unwrap()
        .to_pkcs8_pem()
        .unwrap();
    let pem = [key.as_bytes(), &fixture("server.pem")].concat();
    assert!(matches!(
        refusal(&pem, ""),
        KeystoreError::NoCertificate { .. }
    ));
}

// Writing

/// An RSA-free store of everything: a key with a chain of three, and two trusted roots with the same subject.
fn everything() -> Keystore {
    let server = open("openssl-modern.p12").entries.remove(0);
    let mut store = Keystore::of_key("Server", server.key, server.chain);
    store.trusted = Keystore::of_trusted([
        Authority::root("Same").certificate,
        Authority::root("Same").certificate,
    ])
    .trusted;
    store
}

fn created() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

#[test]
fn what_is_written_as_jks_is_read_back() {
    let store = everything();
    let bytes = write_jks(&store, &secret(), created()).unwrap();
    let back = read(&bytes, Some(&secret())).unwrap();
    expect_server(&back, "server", &WHOLE);
    assert_eq!(back.trusted, store.trusted);
}

#[test]
fn what_is_written_as_pkcs12_is_read_back() {
    let store = everything();
    let bytes = write_pkcs12(&store, &secret()).unwrap();
    let back = read(&bytes, Some(&secret())).unwrap();
    expect_server(&back, "Server", &WHOLE);
    assert_eq!(back.trusted, store.trusted);
}

#[test]
fn keys_of_every_kind_survive_both_formats() {
    let root = Authority::root("Root");
    let rsa = open("keytool-rsa.jks").entries.remove(0).key;
    let made = ["ec:P-256", "ec:P-384", "ec:P-521", "ed25519"]
        .map(|kind| PrivateKey::generate(kind.parse().unwrap()).unwrap());
    for key in made.into_iter().chain([rsa]) {
        let kind = key.public_key().kind();
        let leaf = issued_for(&root, &key);
        let store = Keystore::of_key("key", key, vec![leaf.clone()]);
        let files = [
            write_jks(&store, &secret(), created()).unwrap(),
            write_pkcs12(&store, &secret()).unwrap(),
        ];
        for bytes in files {
            let back = read(&bytes, Some(&secret())).unwrap();
            assert_eq!(back.entries[0].chain, std::slice::from_ref(&leaf), "{kind}");
        }
    }
}

fn issued_for(root: &Authority, key: &PrivateKey) -> Certificate {
    root.issue("leaf", key.public_key().spki_der())
}

#[test]
fn passwords_and_aliases_beyond_ascii_work_in_both_formats() {
    let password = SecretString::from("pässwörd-€");
    let mut store = Keystore::of_trusted([certificate("root")]);
    store.trusted[0].alias = "würzel-€".into();
    let files = [
        write_jks(&store, &password, created()).unwrap(),
        write_pkcs12(&store, &password).unwrap(),
    ];
    for bytes in files {
        assert_eq!(
            read(&bytes, Some(&password)).unwrap().trusted,
            store.trusted
        );
    }
}

#[test]
fn aliases_that_java_would_lose_are_refused() {
    let mut store = Keystore::of_trusted(certificates(&["root", "root2"]));
    store.trusted[1].alias = "Trusted-Certificate-1".into();
    for found in [
        write_pkcs12(&store, &secret()),
        write_jks(&store, &secret(), created()),
    ] {
        assert!(
            matches!(found, Err(KeystoreError::Alias { .. })),
            "{found:?}"
        );
    }
    store.trusted[1].alias = String::new();
    assert!(matches!(
        write_pkcs12(&store, &secret()),
        Err(KeystoreError::Alias { .. })
    ));
}

#[test]
fn a_jks_of_the_same_content_is_the_same_file() {
    let store = Keystore::of_trusted(certificates(&["root", "root2", "root3"]));
    let once = write_jks(&store, &secret(), created()).unwrap();
    assert_eq!(once, write_jks(&store, &secret(), created()).unwrap());
}

#[test]
fn what_a_store_is_shown_as_holds_no_key() {
    let store = everything();
    let shown = format!("{store:?}");
    let key = store.entries[0].key.to_pkcs8_pem().unwrap();
    let line = key.lines().nth(1).unwrap();
    assert!(shown.contains("Server") && !shown.contains(line));
}

// Outside judges

/// What a program prints, standard error after standard output; nothing if it is not there and need not be.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            write!(text, "{}", String::from_utf8_lossy(&output.stderr)).unwrap();
            assert!(output.status.success(), "{program} {arguments:?}: {text}");
            Some(text)
        }
        Err(error) if std::env::var_os("CI").is_some() => panic!("{program}: {error}"),
        Err(_) => None,
    }
}

struct File {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl File {
    fn of(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        std::fs::write(&path, bytes).unwrap();
        Self {
            path,
            _folder: folder,
        }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

fn fingerprint(certificate: &Certificate) -> String {
    let bytes: Vec<_> = certificate
        .fingerprint()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    bytes.join(":")
}

#[track_caller]
fn expect_keytool_lists(bytes: &[u8], kind: &str, store: &Keystore) {
    let file = File::of(bytes);
    let arguments = [
        "-list",
        "-v",
        "-storetype",
        kind,
        "-keystore",
        file.path(),
        "-storepass",
        "secret",
    ];
    let Some(text) = run("keytool", &arguments) else {
        return;
    };
    let entries = store.entries.len() + store.trusted.len();
    let plural = if entries == 1 { "entry" } else { "entries" };
    assert!(
        text.contains(&format!("contains {entries} {plural}")),
        "{text}"
    );
    for KeyEntry { alias, chain, .. } in &store.entries {
        let entry = section(&text, alias);
        assert!(entry.contains("Entry type: PrivateKeyEntry"), "{entry}");
        assert!(
            entry.contains(&format!("Certificate chain length: {}", chain.len())),
            "{entry}"
        );
        for certificate in chain {
            assert!(entry.contains(&fingerprint(certificate)), "{entry}");
        }
    }
    for TrustedEntry { alias, certificate } in &store.trusted {
        let entry = section(&text, alias);
        assert!(entry.contains("Entry type: trustedCertEntry"), "{entry}");
        assert!(entry.contains(&fingerprint(certificate)), "{entry}");
    }
}

/// What keytool says of one entry.
fn section<'a>(text: &'a str, alias: &str) -> &'a str {
    let start = format!("Alias name: {}\n", alias.to_lowercase());
    let at = text
        .find(&start)
        .unwrap_or_else(|| panic!("no {alias} in {text}"));
    let rest = &text[at + start.len()..];
    rest.split("Alias name: ").next().unwrap()
}

#[test]
fn keytool_lists_our_pkcs12() {
    let store = everything();
    expect_keytool_lists(&write_pkcs12(&store, &secret()).unwrap(), "PKCS12", &store);
}

#[test]
fn keytool_lists_our_jks() {
    let store = everything();
    expect_keytool_lists(
        &write_jks(&store, &secret(), created()).unwrap(),
        "JKS",
        &store,
    );
}

#[test]
fn keytool_lists_each_root_of_our_truststores_as_an_entry_of_its_own() {
    let store =
        Keystore::of_trusted((1..=11).map(|n| Authority::root(&format!("Root {n}")).certificate));
    expect_keytool_lists(&write_pkcs12(&store, &secret()).unwrap(), "PKCS12", &store);
    expect_keytool_lists(
        &write_jks(&store, &secret(), created()).unwrap(),
        "JKS",
        &store,
    );
}

#[test]
fn keytool_takes_the_key_out_of_our_stores() {
    let store = everything();
    let files = [
        ("JKS", write_jks(&store, &secret(), created()).unwrap()),
        ("PKCS12", write_pkcs12(&store, &secret()).unwrap()),
    ];
    for (kind, bytes) in files {
        let file = File::of(&bytes);
        let out = file.path.with_extension("out");
        let out = out.to_str().unwrap();
        let arguments = [
            "-importkeystore",
            "-noprompt",
            "-srckeystore",
            file.path(),
            "-srcstoretype",
            kind,
            "-srcstorepass",
            "secret",
            "-srcalias",
            "server",
            "-destkeystore",
            out,
            "-deststoretype",
            "PKCS12",
            "-deststorepass",
            "secret",
        ];
        if run("keytool", &arguments).is_some() {
            let back = read(&std::fs::read(out).unwrap(), Some(&secret())).unwrap();
            expect_server(&back, "server", &WHOLE);
        }
    }
}

#[test]
fn openssl_takes_key_chain_and_roots_out_of_our_pkcs12() {
    let store = everything();
    let file = File::of(&write_pkcs12(&store, &secret()).unwrap());
    let arguments = [
        "pkcs12",
        "-in",
        file.path(),
        "-passin",
        "pass:secret",
        "-nodes",
    ];
    let Some(text) = run("openssl", &arguments) else {
        return;
    };
    let back = read(text.as_bytes(), None).unwrap();
    expect_server(&back, "pem", &WHOLE);
    let all = Certificate::all_from_pem(text.as_bytes()).unwrap();
    assert_eq!(all.len(), 5);
    for entry in &store.trusted {
        assert!(all.contains(&entry.certificate));
        assert!(
            text.contains(&format!("friendlyName: {}", entry.alias)),
            "{text}"
        );
    }
}

fn position(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
        .unwrap()
}
