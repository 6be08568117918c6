//! A certway-ra of one screen: REST v2 over plain HTTP on the loopback, one request per connection, with a CA of its own.

use std::{
    collections::{HashMap, VecDeque},
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use api::{
    Problem, ProblemSlug,
    v2::{EnrollRequest, Enrollment, Issued, RequestKind, Trust, TrustedRoot, Waiting},
};
use jiff::{SignedDuration, Timestamp};
use pki::{
    CaConstraint, Certificate, Csr, KeyKind, KeyUsages, PrivateKey, Template,
    issue::{Serial, TbsParameters, issue},
    name::onap,
};

/// What the service does with the next request, instead of what it should.
pub(crate) enum Next {
    /// 202.
    Wait,
    /// A problem document.
    Refuse(ProblemSlug),
    /// These bytes, perhaps none.
    Raw(&'static str),
    /// A certificate for another key.
    OtherKey,
    /// Issues, and hangs up before the answer.
    IssueAndHangUp,
}

/// One request, as it came.
#[derive(Clone)]
pub(crate) struct Asked {
    /// `POST /v2/web/certificates`.
    pub(crate) line: String,
    /// Header fields, names in lower case.
    pub(crate) fields: HashMap<String, String>,
    /// The body.
    pub(crate) body: String,
}

impl Asked {
    /// The body of an enrollment.
    pub(crate) fn enrollment(&self) -> EnrollRequest {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The running service.
pub(crate) struct FakeRa {
    url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    next: VecDeque<Next>,
    asked: Vec<Asked>,
    issued: HashMap<String, Issued>,
    root: Certificate,
    issuing: Certificate,
    issuing_key: PrivateKey,
    lifetime: SignedDuration,
}

impl FakeRa {
    /// A service that does these things first, and then what it should.
    pub(crate) fn doing(next: impl IntoIterator<Item = Next>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::new(next.into_iter().collect())));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&mut stream.unwrap(), &shared);
            }
        });
        Self {
            url: format!("http://{address}"),
            state,
        }
    }

    /// The same over TLS, for holders of its own certificates only.
    pub(crate) fn with_tls() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State::new(VecDeque::new());
        let config = Arc::new(tls::config(&state));
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                tls::serve(stream.unwrap(), &config, &shared);
            }
        });
        Self {
            url: format!("https://{address}"),
            state,
        }
    }

    /// A service that does what it should.
    pub(crate) fn new() -> Self {
        Self::doing([])
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    /// How many certificates there are.
    pub(crate) fn issued(&self) -> usize {
        self.state.lock().unwrap().issued.len()
    }

    /// A certificate of this CA that the service did not issue over REST.
    pub(crate) fn certificate(&self, name: &str) -> (Certificate, PrivateKey) {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let template = Template::new(onap::parse(name).unwrap(), key.public_key().clone());
        let issued = self.state.lock().unwrap().certificate(template);
        (
            Certificate::from_pem(issued.certificate.as_bytes()).unwrap(),
            key,
        )
    }

    /// The certificates between a leaf and the root, as PEM.
    pub(crate) fn chain(&self) -> String {
        self.state.lock().unwrap().issuing.to_pem()
    }

    pub(crate) fn root(&self) -> Certificate {
        self.state.lock().unwrap().root.clone()
    }
}

mod tls;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(work)
}

fn ca(name: &str) -> (PrivateKey, Template) {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let mut template = Template::new(onap::parse(name).unwrap(), key.public_key().clone());
    template.ca = Some(CaConstraint { path_len: None });
    template.key_usage = Some(KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN);
    (key, template)
}

impl State {
    fn new(next: VecDeque<Next>) -> Self {
        let start = Timestamp::now() - SignedDuration::from_hours(1);
        let end = start + SignedDuration::from_hours(24 * 365);
        let (root_key, template) = ca("O=Example,CN=Root");
        let root = block_on(issue(
            &TbsParameters::self_signed(template, Serial::random().unwrap(), start, end),
            &root_key,
        ))
        .unwrap();
        let (issuing_key, template) = ca("O=Example,CN=Issuing");
        let issuing = block_on(issue(
            &TbsParameters::under(&root, template, Serial::random().unwrap(), start, end),
            &root_key,
        ))
        .unwrap();
        Self {
            next,
            asked: Vec::new(),
            issued: HashMap::new(),
            root,
            issuing,
            issuing_key,
            lifetime: SignedDuration::from_hours(24 * 90),
        }
    }

    fn certificate(&self, template: Template) -> Issued {
        let start = Timestamp::now() - SignedDuration::from_mins(1);
        let serial = Serial::random().unwrap();
        let leaf = block_on(issue(
            &TbsParameters::under(
                &self.issuing,
                template,
                serial,
                start,
                start + self.lifetime,
            ),
            &self.issuing_key,
        ))
        .unwrap();
        Issued {
            id: "7".into(),
            certificate: leaf.to_pem(),
            chain: vec![self.issuing.to_pem()],
            roots: vec![self.root.to_pem()],
            not_before: leaf.not_before(),
            not_after: leaf.not_after(),
            serial: "0a".into(),
            kind: RequestKind::Cr,
            changes: Vec::new(),
        }
    }

    /// The answer to a request as it should be.
    fn answer(&mut self, asked: &Asked) -> Vec<u8> {
        match asked.line.as_str() {
            "POST /v2/web/certificates" => {
                let template = Csr::from_pem(asked.enrollment().csr.as_bytes())
                    .unwrap()
                    .template()
                    .unwrap();
                let key = asked.fields["idempotency-key"].clone();
                let issued = match self.issued.get(&key) {
                    Some(issued) => issued.clone(),
                    None => self.certificate(template),
                };
                self.issued.insert(key, issued.clone());
                json("201 Created", &Enrollment::Issued(Box::new(issued)))
            }
            "GET /v2/web/certificates/7" => {
                let issued = self.issued.values().next().unwrap().clone();
                json("200 OK", &Enrollment::Issued(Box::new(issued)))
            }
            "POST /v2/web/revocations" => response(
                "200 OK",
                "application/json",
                r#"{"id":"9","status":"revoked"}"#,
            ),
            "GET /v2/web/trust" => {
                let root = TrustedRoot {
                    subject: onap::display(self.root.subject()),
                    fingerprint: self
                        .root
                        .fingerprint()
                        .iter()
                        .map(|b| format!("{b:02x}"))
                        .collect(),
                    not_before: self.root.not_before(),
                    not_after: self.root.not_after(),
                    certificate: self.root.to_pem(),
                };
                json("200 OK", &Trust { roots: vec![root] })
            }
            _ => problem(ProblemSlug::NotFound),
        }
    }
}

fn serve(stream: &mut (impl Read + Write), state: &Mutex<State>) {
    let Some(asked) = read(stream) else { return };
    let mut state = state.lock().unwrap();
    state.asked.push(asked.clone());
    let answer = match state.next.pop_front() {
        None => state.answer(&asked),
        Some(Next::Wait) => json(
            "202 Accepted",
            &Enrollment::Waiting(Waiting {
                id: "7".into(),
                check_after: 60,
                trouble: None,
            }),
        ),
        Some(Next::Refuse(slug)) => problem(slug),
        Some(Next::Raw(bytes)) => bytes.into(),
        Some(Next::OtherKey) => {
            let other = PrivateKey::generate(KeyKind::P256).unwrap();
            let issued = state.certificate(Template::new(
                onap::parse("CN=other").unwrap(),
                other.public_key().clone(),
            ));
            json("201 Created", &Enrollment::Issued(Box::new(issued)))
        }
        Some(Next::IssueAndHangUp) => {
            state.answer(&asked);
            Vec::new()
        }
    };
    stream.write_all(&answer).unwrap();
}

fn json(status: &str, body: &impl serde::Serialize) -> Vec<u8> {
    response(
        status,
        "application/json",
        &serde_json::to_string(body).unwrap(),
    )
}

fn problem(slug: ProblemSlug) -> Vec<u8> {
    let body = serde_json::to_string(&Problem::new(slug).with_detail("because of a test")).unwrap();
    response(
        &format!("{} Problem", slug.status()),
        "application/problem+json",
        &body,
    )
}

fn response(status: &str, media: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {media}\r\nx-correlation-id: c-1\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into()
}

/// A request; none if the connection ended before.
fn read(stream: &mut impl Read) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut lines = head.lines();
        let line = lines
            .next()
            .unwrap()
            .trim_end_matches(" HTTP/1.1")
            .to_owned();
        let fields: HashMap<_, _> = lines
            .filter_map(|l| l.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length: usize = fields
            .get("content-length")
            .map_or(0, |n| n.parse().unwrap());
        if body.len() >= length {
            return Some(Asked {
                line,
                fields,
                body: body.to_owned(),
            });
        }
    }
}
