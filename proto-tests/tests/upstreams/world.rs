//! certway-ra before a CA with the endpoints a test names, behind the label `RA`, and before another one behind `OTHER`.

use pki::{Certificate, PrivateKey};
use proto_tests::{
    Answer, CmpCa, HttpsClient, Keys, Launch, Native, NativeSetup, Port, Program, v1,
};
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
    before_both_as(NativeSetup::new(), cas, lines, other)
}

/// The same with another listener.
pub fn before_both_as(
    setup: NativeSetup,
    cas: &[&CmpCa],
    lines: &str,
    other: Option<&CmpCa>,
) -> Native {
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

/// Another process with the same configuration on the same journal.
pub struct Beside {
    pub program: Program,
    pub rest: HttpsClient,
    _ports: [Port; 2],
}

impl Beside {
    pub fn start(ra: &Native) -> Self {
        let ports = [Port::free(), Port::free()];
        let config = ra.setup.path("certway.toml").display().to_string();
        let program = Launch::certway_ra(ra.setup.folder())
            .args(["serve", "--config", &config])
            .env("CERTWAY_RA_LISTEN__PORT", ports[0].number().to_string())
            .env(
                "CERTWAY_RA_LISTEN__CMP__PORT",
                ports[1].number().to_string(),
            )
            .start(2);
        let roots = [&ra.setup.pki.root.certificate];
        let client = Some(&ra.setup.pki.client);
        Self {
            program,
            rest: HttpsClient::tls(ports[0].address(), &roots, client),
            _ports: ports,
        }
    }
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
        self.ask(&ra.rest(Some(&ra.setup.pki.client)), wait)
    }

    /// The same of whatever process listens there.
    pub fn ask(&self, client: &HttpsClient, wait: u32) -> Answer {
        let headers = [
            ("Content-Type", "application/x-pem-file"),
            ("Idempotency-Key", self.number.as_str()),
            ("Prefer", &format!("wait={wait}")),
        ];
        let path = format!("/v2/{}/certificates", self.label);
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

/// A metric of an endpoint of `ca`, by the end of its name.
pub fn metric(ra: &Native, name: &str, endpoint: &str) -> u64 {
    let series = format!("certway_endpoint_{name}{{authority=\"ca\",endpoint=\"{endpoint}\"}} ");
    let text = ra.program.admin().get("/metrics", &[]).text();
    let value = text.lines().find_map(|line| line.strip_prefix(&series));
    let value = value.unwrap_or_else(|| panic!("no {series}in\n{text}"));
    value.parse().unwrap()
}
