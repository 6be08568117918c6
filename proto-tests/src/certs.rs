//! A PKI made when a test runs: nothing checked in can expire.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use pki::issue::{Serial, TbsParameters, assemble};
use pki::keystore::{Keystore, write_jks, write_pkcs12};
use pki::{
    CaConstraint, Certificate, GeneralName, KeyKind, KeyUsages, Name, PrivateKey, Template, usage,
};
use secrecy::SecretString;

/// The password of every store we make.
pub const PASSWORD: &str = "secret";

/// A key with the certificates above it.
pub struct Identity {
    /// The key.
    pub key: PrivateKey,
    /// Its certificate, and those above it; the root is left out.
    pub chain: Vec<Certificate>,
}

/// A CA.
pub struct Issuer {
    /// Its key.
    pub key: PrivateKey,
    /// Its certificate.
    pub certificate: Certificate,
    /// What it puts below its own certificate's chain: empty for a root.
    above: Vec<Certificate>,
}

/// Who a service and its clients trust: one root for servers and clients, and somebody else's.
pub struct Pki {
    /// The root that servers and clients have in common.
    pub root: Issuer,
    /// The server: `localhost` and 127.0.0.1.
    pub server: Identity,
    /// A client the service takes.
    pub client: Identity,
    /// Another client the service takes, with other names.
    pub other_client: Identity,
    /// A client of a CA the service does not know.
    pub foreign_client: Identity,
}

/// Keys that are the same in every run, as RSA keys take long to make.
pub struct Keys;

impl Keys {
    /// RSA 2048.
    pub fn rsa() -> PrivateKey {
        fixture(include_bytes!(
            "../../crates/pki/tests/fixtures/keys/rsa-pkcs1.pem"
        ))
    }

    /// RSA 3072: another one.
    pub fn rsa3072() -> PrivateKey {
        fixture(include_bytes!(
            "../../crates/pki/tests/fixtures/keys/rsa3072-pkcs8.pem"
        ))
    }

    /// A new P-256 key.
    pub fn ec() -> PrivateKey {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        crate::secrets::key(&key);
        key
    }
}

fn fixture(pem: &[u8]) -> PrivateKey {
    let key = PrivateKey::from_pem(pem, None).unwrap();
    crate::secrets::key(&key);
    key
}

/// Reads a DN as ONAP writes it: in the order of encoding.
pub fn dn(text: &str) -> Name {
    pki::name::onap::parse(text).unwrap()
}

/// Reads names like `dns:a.example`, `ip:10.0.0.1`.
pub fn sans(texts: &[&str]) -> Vec<GeneralName> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The key as PKCS#8 in PEM.
pub fn pkcs8_pem(key: &PrivateKey) -> String {
    key.to_pkcs8_pem().unwrap().to_string()
}

/// The key in PEM as CertService's clients and cert-manager write it: an RSA key as PKCS#1, others as PKCS#8.
pub fn traditional_pem(key: &PrivateKey) -> String {
    match key.public_key().kind() {
        KeyKind::Rsa { .. } => pki::pem::encode("RSA PRIVATE KEY", &inner_der(key)),
        _ => pkcs8_pem(key),
    }
}

/// What is inside a PKCS#8 key: the third element, an OCTET STRING.
pub fn inner_der(key: &PrivateKey) -> Vec<u8> {
    let der = key.to_pkcs8_der().unwrap();
    let (_, sequence, _) = element(&der);
    let (_, _, rest) = element(sequence);
    let (_, _, rest) = element(rest);
    element(rest).1.to_vec()
}

/// Tag, content and what follows of a DER element.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, start) = match der[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let octets = usize::from(long & 0x7f);
            let length = der[2..2 + octets]
                .iter()
                .fold(0, |length, octet| length << 8 | usize::from(*octet));
            (length, 2 + octets)
        }
    };
    (der[0], &der[start..start + length], &der[start + length..])
}

impl Issuer {
    /// A self-signed root.
    pub fn root(subject: &str) -> Self {
        let key = Keys::ec();
        let template = ca_template(subject, &key, None);
        let (from, until) = validity();
        let parameters =
            TbsParameters::self_signed(template, Serial::random().unwrap(), from, until);
        let certificate = sign(&parameters, &key);
        Self {
            key,
            certificate,
            above: Vec::new(),
        }
    }

    /// An issuing CA below this one.
    pub fn issuing(&self, subject: &str) -> Self {
        let key = Keys::ec();
        let certificate = self.sign(ca_template(subject, &key, Some(0)));
        let mut above = vec![certificate.clone()];
        above.extend(self.above.iter().cloned());
        Self {
            key,
            certificate,
            above,
        }
    }

    /// A certificate for a server and client of these names, with a key made for it.
    pub fn identity(&self, subject: &str, sans: &[&str]) -> Identity {
        self.identity_of(Keys::ec(), subject, sans)
    }

    /// The same for a key that is there.
    pub fn identity_of(&self, key: PrivateKey, subject: &str, names: &[&str]) -> Identity {
        let mut template = Template::new(dn(subject), key.public_key().clone());
        template.sans = sans(names);
        template.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
        template.ext_key_usage = vec![usage::SERVER_AUTH, usage::CLIENT_AUTH];
        let mut chain = vec![self.sign(template)];
        chain.extend(self.above.iter().cloned());
        Identity { key, chain }
    }

    /// A certificate of whatever is asked, valid from now for some days.
    pub fn sign(&self, template: Template) -> Certificate {
        let (from, until) = validity();
        self.sign_for(template, from, until)
    }

    /// The same, for a validity of choice.
    pub fn sign_for(&self, template: Template, from: Timestamp, until: Timestamp) -> Certificate {
        let serial = Serial::random().unwrap();
        let parameters = TbsParameters::under(&self.certificate, template, serial, from, until);
        sign(&parameters, &self.key)
    }
}

fn ca_template(subject: &str, key: &PrivateKey, path_len: Option<u8>) -> Template {
    let mut template = Template::new(dn(subject), key.public_key().clone());
    template.ca = Some(CaConstraint { path_len });
    template.key_usage =
        Some(KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN | KeyUsages::DIGITAL_SIGNATURE);
    template
}

fn validity() -> (Timestamp, Timestamp) {
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    (now - hour, now + SignedDuration::from_hours(24 * 30))
}

fn sign(parameters: &TbsParameters, key: &PrivateKey) -> Certificate {
    let tbs = parameters.to_be_signed(key.algorithm()).unwrap();
    let signature = key.sign_now(&tbs).unwrap();
    assemble(&tbs, key.algorithm(), &signature).unwrap()
}

impl Default for Pki {
    fn default() -> Self {
        Self::new()
    }
}

impl Pki {
    /// A new one.
    pub fn new() -> Self {
        let root = Issuer::root("C=US,O=Linux-Foundation,OU=ONAP,CN=onap.org");
        let foreign = Issuer::root("O=Elsewhere,CN=Foreign Root");
        Self {
            server: root.identity(
                "O=Linux-Foundation,CN=oom-cert-service",
                &["dns:oom-cert-service", "dns:localhost", "ip:127.0.0.1"],
            ),
            client: root.identity("O=Linux-Foundation,CN=onap-client", &["dns:client.example"]),
            other_client: root
                .identity("O=Linux-Foundation,CN=other-client", &["dns:other.example"]),
            foreign_client: foreign.identity("O=Elsewhere,CN=stranger", &["dns:client.example"]),
            root,
        }
    }
}

impl Identity {
    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.chain[0]
    }

    /// The whole chain in PEM, leaf first.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(Certificate::to_pem).collect()
    }

    /// The key in PEM (PKCS#8).
    pub fn key_pem(&self) -> String {
        pkcs8_pem(&self.key)
    }

    /// A copy: keys cannot be cloned by accident.
    pub fn copy(&self) -> Self {
        Self {
            key: PrivateKey::from_der(&self.key.to_pkcs8_der().unwrap()).unwrap(),
            chain: self.chain.clone(),
        }
    }

    fn store(&self) -> Keystore {
        let copy = self.copy();
        Keystore::of_key("server", copy.key, copy.chain)
    }

    /// As a PKCS#12 file, password [`PASSWORD`].
    pub fn pkcs12(&self) -> Vec<u8> {
        write_pkcs12(&self.store(), &SecretString::from(PASSWORD)).unwrap()
    }

    /// As a JKS file, password [`PASSWORD`].
    pub fn jks(&self) -> Vec<u8> {
        write_jks(
            &self.store(),
            &SecretString::from(PASSWORD),
            Timestamp::now(),
        )
        .unwrap()
    }

    /// As one PEM file with key and chain.
    pub fn pem(&self) -> String {
        self.key_pem() + &self.chain_pem()
    }
}

/// A truststore as PKCS#12, password [`PASSWORD`].
pub fn truststore_pkcs12(trusted: &[&Certificate]) -> Vec<u8> {
    let store = Keystore::of_trusted(trusted.iter().copied().cloned());
    write_pkcs12(&store, &SecretString::from(PASSWORD)).unwrap()
}

/// A truststore as JKS, password [`PASSWORD`].
pub fn truststore_jks(trusted: &[&Certificate]) -> Vec<u8> {
    let store = Keystore::of_trusted(trusted.iter().copied().cloned());
    write_jks(&store, &SecretString::from(PASSWORD), Timestamp::now()).unwrap()
}

/// Writes a file and gives its path as text.
pub fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).unwrap();
    }
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}
