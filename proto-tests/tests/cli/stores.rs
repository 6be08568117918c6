//! PKCS#12 and JKS stores, as keytool and openssl read them.

use proto_tests::peer;

use super::*;

#[test]
fn keytool_lists_key_chain_and_root_in_both_kinds_of_store() {
    if peer::missing("keytool") {
        return;
    }
    let desk = Desk::new();
    for (format, store_type) in [("pkcs12", "PKCS12"), ("jks", "JKS")] {
        let store = format!("store.{format}");
        let arguments = [
            "enroll",
            "--subject=O=Example,CN=web",
            "--format",
            format,
            "--out",
            &store,
            "--password-file=password",
            "--alias=web",
        ];
        desk.run(&arguments, 0);
        assert_eq!(desk.mode(&store), 0o600);
        let listed = peer::keytool(
            desk.folder.path(),
            &[
                "-list",
                "-v",
                "-keystore",
                &store,
                "-storetype",
                store_type,
                "-storepass",
                PASSWORD,
            ],
        );
        assert!(listed.contains("contains 2 entries"), "{listed}");
        assert!(listed.contains("PrivateKeyEntry"), "{listed}");
        assert!(listed.contains("Alias name: web"), "{listed}");
        assert!(listed.contains("trustedCertEntry"), "{listed}");
        // In PKCS#12 chains are not written down: keytool follows the names up to the trusted root.
        let length = if format == "jks" { 2 } else { 3 };
        let length = format!("Certificate chain length: {length}");
        assert!(listed.contains(&length), "{listed}");
        // The key opens too: keytool has to read it to make a request.
        let request = peer::keytool(
            desk.folder.path(),
            &[
                "-certreq",
                "-alias",
                "web",
                "-keystore",
                &store,
                "-storetype",
                store_type,
                "-storepass",
                PASSWORD,
            ],
        );
        assert!(
            request.contains("BEGIN NEW CERTIFICATE REQUEST"),
            "{request}"
        );
    }
}

#[test]
fn openssl_opens_the_pkcs12_store() {
    if peer::missing("openssl") {
        return;
    }
    let desk = Desk::new();
    let arguments = [
        "enroll",
        "--subject=O=Example,CN=web",
        "--format=pkcs12",
        "--out=web.p12",
        "--password-file=password",
    ];
    desk.run(&arguments, 0);
    let password = format!("pass:{PASSWORD}");
    let text = peer::run(
        "openssl",
        desk.folder.path(),
        &["pkcs12", "-in", "web.p12", "-nodes", "-passin", &password],
    );
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 3, "{text}");
    assert_eq!(text.matches("PRIVATE KEY-----").count(), 2, "{text}");
}
