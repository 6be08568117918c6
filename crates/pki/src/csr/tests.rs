use super::*;
use crate::fixtures::{key, read};
use crate::general_name::GeneralName;
use crate::{CaConstraint, KeyUsages, name, usage};

fn request(name: &str) -> Csr {
    Csr::from_pem(&read(&format!("requests/{name}.pem"))).unwrap()
}

fn texts(names: &[GeneralName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn the_template_of_an_openssl_request_has_all_it_asks_for() {
    let request = request("everything");
    let template = request.template().unwrap();
    assert_eq!(
        name::onap::display(&template.subject),
        "C=DE,O=Example Org,CN=node-1.example"
    );
    assert_eq!(&template.public_key, key("rsa-pkcs8").public_key());
    assert_eq!(
        texts(&template.sans),
        [
            "dns:node-1.example",
            "dns:node-1.svc",
            "ip:10.0.0.1",
            "ip:2001:db8::1",
            "email:ops@example.org",
            "uri:spiffe://example/ns/a",
            "rid:1.2.3.4",
            "other:1.3.6.1.4.1.311.20.2.3;0c086f707340636f7270",
            "dirname:CN=inner",
        ]
    );
    assert_eq!(
        template.key_usage,
        Some(KeyUsages::DIGITAL_SIGNATURE | KeyUsages::KEY_ENCIPHERMENT)
    );
    assert_eq!(
        template.ext_key_usage,
        [usage::SERVER_AUTH, usage::CLIENT_AUTH]
    );
    assert_eq!(template.ca, None);
    let others: Vec<_> = template
        .other_extensions
        .iter()
        .map(|e| e.extn_id.to_string())
        .collect();
    assert_eq!(others, ["1.3.6.1.5.5.7.1.24"]);
}

#[test]
fn a_request_without_attributes_asks_for_no_names() {
    let template = request("plain-p384-with-text").template().unwrap();
    assert!(template.sans.is_empty());
    assert_eq!(template.key_usage, None);
}

#[test]
fn the_label_of_the_block_is_ignored() {
    let text = String::from_utf8(read("requests/everything.pem")).unwrap();
    let text = text.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assert!(Csr::from_pem(text.as_bytes()).is_ok());
}

#[test]
fn what_is_built_verifies_and_gives_back_its_template() {
    let mut template = request("everything").template().unwrap();
    template.ca = Some(CaConstraint { path_len: Some(1) });
    for name in [
        "rsa-pkcs8",
        "p256-sec1",
        "p384-sec1",
        "p521-sec1",
        "ed25519-pkcs8",
    ] {
        let key = key(name);
        template.public_key = key.public_key().clone();
        let built = Csr::build(&template, &key).unwrap();
        assert_eq!(built.verify(), Ok(()), "{name}");
        assert_eq!(built.template().unwrap(), template);
        assert_eq!(
            Csr::from_pem(built.to_pem().as_bytes()).unwrap().der(),
            built.der()
        );
    }
}

#[test]
fn a_request_of_another_maker_is_read() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters =
        rcgen::CertificateParams::new(["a.example".to_owned(), "10.1.2.3".to_owned()]).unwrap();
    parameters.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let made = parameters.serialize_request(&key).unwrap();
    let read = Csr::from_der(made.der().to_vec()).unwrap();
    assert_eq!(read.verify(), Ok(()));
    let template = read.template().unwrap();
    assert_eq!(texts(&template.sans), ["dns:a.example", "ip:10.1.2.3"]);
    assert_eq!(template.ext_key_usage, [usage::CLIENT_AUTH]);
}

#[test]
fn a_changed_request_does_not_verify() {
    let mut der = request("everything").der().to_vec();
    let at = der
        .windows(6)
        .position(|window| window == b"node-1")
        .unwrap();
    der[at] = b'N';
    let changed = Csr::from_der(der).unwrap();
    assert_eq!(changed.verify(), Err(VerifyError::Wrong));
}

#[test]
fn truncated_and_changed_requests_do_not_panic() {
    let der = request("everything").der().to_vec();
    for len in 0..der.len() {
        assert!(Csr::from_der(der[..len].to_vec()).is_err());
    }
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 0x81;
        if let Ok(request) = Csr::from_der(changed) {
            let _ = request.template();
        }
    }
}

#[test]
fn bytes_behind_the_request_are_refused() {
    let mut der = request("everything").der().to_vec();
    der.push(0);
    assert!(matches!(Csr::from_der(der), Err(CsrError::Malformed(_))));
}

#[test]
fn absent_attributes_are_accepted() {
    let key = key("p256-sec1");
    let template = Template::new(Name::default(), key.public_key().clone());
    let info = request_info(&template, &key).unwrap();
    // Without the empty [0] at its end.
    assert_eq!(info[info.len() - 2..], [0xa0, 0]);
    let mut short = info[..info.len() - 2].to_vec();
    short[1] -= 2;
    let signature = key.sign_now(&short).unwrap();
    let request = Csr::assemble(&short, key.algorithm(), &signature).unwrap();
    assert_eq!(request.verify(), Ok(()));
    assert!(request.template().unwrap().sans.is_empty());
}

#[test]
fn an_extension_asked_for_twice_is_refused() {
    let key = key("p256-sec1");
    let mut template = Template::new(Name::default(), key.public_key().clone());
    template.sans = vec![GeneralName::Dns("a".into())];
    let twice = template.extensions().unwrap();
    template.other_extensions = twice;
    let request = Csr::build(&template, &key).unwrap();
    assert!(matches!(
        request.template(),
        Err(CsrError::Extensions(ExtensionError::Twice(_)))
    ));
}

#[test]
fn malformed_names_are_refused_when_the_template_is_taken() {
    let key = key("p256-sec1");
    let mut template = Template::new(Name::default(), key.public_key().clone());
    template.sans = vec![GeneralName::Dns("aaaa".into())];
    let mut list = template.extensions().unwrap();
    // An address of three bytes.
    list[0].extn_value = der::asn1::OctetString::new([0x30, 5, 0x87, 3, 1, 2, 3]).unwrap();
    template.sans.clear();
    template.other_extensions = list;
    let request = Csr::build(&template, &key).unwrap();
    assert!(matches!(request.template(), Err(CsrError::Extensions(_))));
}
