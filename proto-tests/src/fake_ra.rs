//! A certway-ra that is none: it answers REST v2 as a script says, where the real one cannot be made to.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use pki::{Certificate, Csr, PublicKey, Template};
use serde_json::{Value, json};

use crate::certs::{Issuer, Pki, dn, sans};
use crate::upstream::{FakeUpstream, Received, Reply, tls};

/// What it is asked: one `POST` for a certificate.
pub struct Asked {
    /// The label of the CA.
    pub ca: String,
    /// The CSR.
    pub csr: Csr,
    /// How often that label was asked for a certificate, from 1.
    pub time: usize,
}

/// The RA. Its trust and its health are always well; labels are whatever is asked for.
pub struct FakeRa {
    /// Its server certificate's PKI; clients are not asked for one.
    pub pki: Pki,
    upstream: FakeUpstream,
    /// The idempotency key of each request, by its label.
    asked: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

/// The CA that signs for it.
pub struct Desk(Issuer);

impl FakeRa {
    /// Answers a request for a certificate with what `script` makes of it; one whose CSR is not signed with its key is refused, as certway-ra does.
    pub fn start(script: impl Fn(&Desk, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        let pki = Pki::new();
        let desk = Desk(Issuer::root("O=Certway Tests,CN=Scripted CA"));
        let asked = Arc::new(Mutex::new(HashMap::<String, Vec<String>>::new()));
        let counted = Arc::clone(&asked);
        let upstream = FakeUpstream::start_tls(tls(&pki.server, None), move |request| {
            let (ca, what) = target(request);
            match what.as_str() {
                "trust" => reply(200, &desk.trust()),
                "health" => reply(200, &json!({ "status": "up" })),
                _ => {
                    let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
                    let of_label = counted.entry(ca.clone()).or_default();
                    of_label.push(name(request));
                    let time = of_label.len();
                    drop(counted);
                    let body: Value = serde_json::from_slice(&request.body).unwrap();
                    let csr = Csr::from_pem(body["csr"].as_str().unwrap().as_bytes()).unwrap();
                    if csr.verify().is_err() {
                        let detail = json!({ "detail": "the signature does not verify" });
                        return problem(400, "bad-pop", &detail);
                    }
                    script(&desk, &Asked { ca, csr, time })
                }
            }
        });
        Self {
            pki,
            upstream,
            asked,
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.upstream.address().port()
    }

    /// How often that label was asked for a certificate.
    pub fn times(&self, ca: &str) -> usize {
        self.of_label(ca).len()
    }

    /// Under which names (idempotency keys) it was asked.
    pub fn names(&self, ca: &str) -> BTreeSet<String> {
        self.of_label(ca).into_iter().collect()
    }

    fn of_label(&self, ca: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(ca).cloned().unwrap_or_default()
    }
}

impl Desk {
    /// A certificate as it should be.
    pub fn issue(&self, asked: &Asked) -> Reply {
        reply(201, &self.issued(&self.certificate(asked.csr.public_key())))
    }

    /// A certificate for that key.
    pub fn certificate(&self, key: &PublicKey) -> Certificate {
        self.0.sign(leaf(key))
    }

    /// The body of an answer with that certificate.
    pub fn issued(&self, leaf: &Certificate) -> Value {
        json!({
            "status": "issued",
            "id": "1",
            "certificate": leaf.to_pem(),
            "chain": [],
            "roots": [self.0.certificate.to_pem()],
            "notBefore": leaf.not_before().to_string(),
            "notAfter": leaf.not_after().to_string(),
            "serial": leaf.serial_text(),
            "kind": "local",
        })
    }

    fn trust(&self) -> Value {
        let root = &self.0.certificate;
        json!({ "roots": [{
            "subject": root.subject().to_string(),
            "fingerprint": hex::encode(root.fingerprint()),
            "notBefore": root.not_before().to_string(),
            "notAfter": root.not_after().to_string(),
            "certificate": root.to_pem(),
        }] })
    }
}

/// What a certificate of a test says.
pub fn leaf(key: &PublicKey) -> Template {
    let mut template = Template::new(dn("CN=request"), key.clone());
    template.sans = sans(&["dns:request.example.com"]);
    template
}

/// An answer in JSON.
pub fn reply(status: u16, body: &Value) -> Reply {
    Reply::http(status, "application/json", body.to_string())
}

/// A refusal (RFC 9457) of that kind.
pub fn problem(status: u16, slug: &str, more: &Value) -> Reply {
    let mut body = json!({
        "type": format!("https://certway.dev/problems/{slug}"),
        "title": format!("refused as {slug}"),
        "status": status,
    });
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
    Reply::http(status, "application/problem+json", body.to_string())
}

/// Label and last word of `/v2/LABEL/WORD`.
fn target(request: &Received) -> (String, String) {
    let path = request.head.split(' ').nth(1).unwrap_or_default();
    let mut words = path.split(['/', '?']).skip(2).map(str::to_owned);
    (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    )
}

fn name(request: &Received) -> String {
    let field = request.head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("idempotency-key")
            .then(|| value.trim().to_owned())
    });
    field.unwrap_or_default()
}
