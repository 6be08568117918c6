//! certway-ra before a CA with the endpoints a test names, behind the label `RA`, and before another one behind `OTHER`.

use pki::{Certificate, PrivateKey};
use proto_tests::{Answer, CmpCa, Keys, Native, NativeSetup, Port, v1};
use serde_json::Value;

/// Where nobody listens.
pub fn nowhere(port: &Port) -> String {
    format!("http://{}/pkix/", port.address())
}

/// The service; `lines` of the CA `ca` name its endpoints, `cas` are those whose roots are believed.
pub fn before(cas: &[&CmpCa], lines: &str) -> Native {
    before_both(cas, lines, None)
}

/// With another CA behind `OTHER`.
pub fn before_both(cas: &[&CmpCa], lines: &str, other: Option<&CmpCa>) -> Native {
    let setup = NativeSetup::new();
    let roots = cas.iter().chain(other.as_ref());
    let pem: String = roots.map(|ca| ca.root.certificate.to_pem()).collect();
    setup.write("upstream.pem", pem);
    setup.write("ca-secret", proto_tests::ca::SECRET);
    let authority = |name: &str, lines: &str| {
        format!(
            "[authorities.{name}.cmp]\nmac = {{ reference = \"ra\", secret = {{ file = \"ca-secret\" }} }}\n{lines}\n"
        )
    };
    let mut config = authority("ca", lines);
    if let Some(other) = other {
        config += &authority("other", &format!("url = \"{}\"", other.url()));
        config += "[profiles.other]\nauthority = \"other\"\nanchors = [\"upstream.pem\"]\n";
        config += "[labels.OTHER]\nprofile = \"other\"\n";
    }
    config += &setup.label("", "hold = \"0s\"");
    setup.start(&config)
}

/// One enrollment by REST v2, as often as it is asked for.
pub struct Wish {
    label: &'static str,
    number: String,
    csr: String,
    key: PrivateKey,
}

impl Wish {
    pub fn new(label: &'static str, number: usize) -> Self {
        let key = Keys::ec();
        Self {
            label,
            number: format!("wish-{number}"),
            csr: v1::csr("CN=wanted", &["dns:a.example"], &key),
            key,
        }
    }

    /// Asks, and waits so many seconds for the certificate.
    pub fn post(&self, ra: &Native, wait: u32) -> Answer {
        let headers = [
            ("Content-Type", "application/x-pem-file"),
            ("Idempotency-Key", self.number.as_str()),
            ("Prefer", &format!("wait={wait}")),
        ];
        let path = format!("/v2/{}/certificates", self.label);
        let client = ra.rest(Some(&ra.setup.pki.client));
        client.request("POST", &path, &headers, self.csr.as_bytes())
    }

    /// The certificate in the answer is the one that was wanted.
    #[track_caller]
    pub fn is_granted(&self, answer: &Answer) {
        let body = answer.json();
        let pem = body["certificate"].as_str();
        let pem = pem.unwrap_or_else(|| panic!("{}: {body}", answer.status));
        let certificate = Certificate::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(certificate.public_key(), self.key.public_key());
    }
}

/// Turned away for now: nothing was begun, and when to come back.
#[track_caller]
pub fn turned_away(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let seconds = answer.header("retry-after").expect("no Retry-After");
    assert!(seconds.parse::<u32>().unwrap() >= 1, "{seconds}");
}

/// The check of `/readyz` for an endpoint of `ca`.
pub fn check(ra: &Native, endpoint: &str) -> Value {
    let body = ra.program.admin().get("/readyz", &[]).json();
    let name = format!("authority ca, endpoint {endpoint}");
    let all = body["checks"].as_array().unwrap();
    let found = all.iter().find(|check| check["name"] == name.as_str());
    found
        .unwrap_or_else(|| panic!("no {name} in {body}"))
        .clone()
}
