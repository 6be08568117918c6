//! A request through each door: sent until the connection is cut, and then sent again as it is until there is a certificate.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pki::{Certificate, Name};
use pkixcmp::PkiFailureInfo;
use pkixcmp::client::{Confirmation, Rejection, Step};
use proto_tests::certs::dn;
use proto_tests::cmp::{self, Talk};
use proto_tests::v1::{Certificates, ENROLL, Request, UPDATE, csr};
use proto_tests::{Answer, Keys};
use serde_json::json;

use crate::site::{Doors, Site};

/// For how long a client goes on asking.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    V1,
    /// A key update: the old key is lent, so that only the client's own calls can move the request.
    V1Update,
    V2,
    CmpImplicit,
    CmpExplicit,
}

/// A client with one request.
#[derive(Clone)]
pub(crate) struct Client {
    subject: Name,
    request: Asking,
}

#[derive(Clone)]
enum Asking {
    V1(&'static str, Request),
    V2 { key: String, body: String },
    Cmp(Box<Cmp>),
}

#[derive(Clone)]
struct Cmp {
    talk: Talk,
    /// What is sent until it is answered.
    message: Bytes,
    explicit: bool,
    /// There after ip, before pkiConf.
    held: Option<Certificate>,
}

/// Why there is no certificate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Status and `errorMessage` of REST v1.
    V1(u16, String),
    /// Status and problem type of REST v2.
    V2(u16, String),
    /// failInfo.
    Cmp(PkiFailureInfo),
}

impl Client {
    /// A request for that common name. An update has to have its first certificate now.
    pub(crate) fn new(door: Door, site: &Site, common_name: &str) -> Self {
        let subject = format!("O=Kill,CN={common_name}");
        let names = ["dns:kill.example"];
        let key = Keys::ec();
        let request = match door {
            Door::V1 => Asking::V1(ENROLL, Request::for_names(&subject, &names, &key)),
            Door::V1Update => {
                let old = Keys::ec();
                let first = Request::for_names(&subject, &names, &old);
                let first = Certificates::of(&first.get(&site.rest(), ENROLL));
                let update = Request::for_names(&subject, &names, &key);
                Asking::V1(UPDATE, update.replacing(&first.concatenated(), &old))
            }
            Door::V2 => Asking::V2 {
                key: format!("key-of-{common_name}"),
                body: json!({ "csr": csr(&subject, &names, &key) }).to_string(),
            },
            Door::CmpImplicit | Door::CmpExplicit => {
                let explicit = door == Door::CmpExplicit;
                let confirmation = if explicit {
                    Confirmation::Explicit
                } else {
                    Confirmation::Implicit
                };
                let (talk, message) = site
                    .device()
                    .begin(&cmp::ir(&subject, &names, &key), confirmation);
                Asking::Cmp(Box::new(Cmp {
                    talk,
                    message,
                    explicit,
                    held: None,
                }))
            }
        };
        Self {
            subject: dn(&subject),
            request,
        }
    }

    pub(crate) fn subject(&self) -> &Name {
        &self.subject
    }

    /// Asks until the connection is cut.
    ///
    /// # Panics
    /// When it gets all it wants before.
    pub(crate) fn until_cut(&mut self, site: &Site) {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(answer) = self.send(site) {
            if let Some(result) = self.hear(&answer) {
                panic!("not killed: {result:?}");
            }
            assert!(Instant::now() < deadline, "neither killed nor answered");
        }
    }

    /// Sends the same again and again until there is a certificate or a refusal, confirming it if that is ours to do.
    pub(crate) fn finish(&mut self, site: &Site) -> Result<Certificate, Refused> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.send(site).unwrap();
            if let Some(result) = self.hear(&answer) {
                return result;
            }
            assert!(
                Instant::now() < deadline,
                "no certificate: {} {}",
                answer.status,
                answer.text()
            );
        }
    }

    /// Sends until there is a certificate that only has to be confirmed.
    pub(crate) fn until_held(&mut self, site: &Site) -> Certificate {
        loop {
            let answer = self.send(site).unwrap();
            assert_eq!(self.hear(&answer), None);
            if let Asking::Cmp(cmp) = &self.request
                && let Some(certificate) = &cmp.held
            {
                return certificate.clone();
            }
        }
    }

    /// Sends until the CA is said to make us wait, and polling is next.
    pub(crate) fn until_waiting(&mut self, site: &Site) {
        let answer = self.send(site).unwrap();
        assert_eq!(self.hear(&answer), None);
    }

    /// The same request as a new one: another key, another transactionID. REST v1 has neither.
    pub(crate) fn anew(&self, door: Door, site: &Site) -> Self {
        let Self { subject, request } = self;
        let request = match request {
            Asking::V1(path, request) => Asking::V1(path, request.clone()),
            Asking::V2 { key, body } => Asking::V2 {
                key: format!("{key}-again"),
                body: body.clone(),
            },
            Asking::Cmp(_) => Self::new(door, site, &common_name(subject)).request,
        };
        Self {
            subject: subject.clone(),
            request,
        }
    }

    /// The request once more, as it is.
    pub(crate) fn send(&self, site: &Site) -> io::Result<Answer> {
        self.send_to(&site.doors())
    }

    /// The same, to a process whatever has become of the others.
    pub(crate) fn send_to(&self, doors: &Doors) -> io::Result<Answer> {
        match &self.request {
            Asking::V1(path, request) => {
                let fields = request.fields();
                doors.rest.try_request("GET", path, &fields, b"")
            }
            Asking::V2 { key, body } => doors.rest.try_request(
                "POST",
                "/v2/RA/certificates",
                &[
                    ("Content-Type", "application/json"),
                    ("Idempotency-Key", key),
                    ("Prefer", "wait=20"),
                ],
                body.as_bytes(),
            ),
            Asking::Cmp(cmp) => {
                let headers = [("Content-Type", "application/pkixcmp")];
                doors
                    .cmp
                    .try_request("POST", "/.well-known/cmp/p/RA", &headers, &cmp.message)
            }
        }
    }

    /// What an answer means; `None` when there is more to be said or waited for.
    pub(crate) fn hear(&mut self, answer: &Answer) -> Option<Result<Certificate, Refused>> {
        match &mut self.request {
            Asking::V1(..) if answer.status == 200 => {
                Some(Ok(Certificates::of(answer).leaf().clone()))
            }
            Asking::V1(..) => {
                let message = answer.json()["errorMessage"].as_str().map(str::to_owned);
                Some(Err(Refused::V1(answer.status, message.unwrap_or_default())))
            }
            Asking::V2 { .. } => match answer.status {
                200 | 201 => {
                    let pem = answer.json()["certificate"].as_str().unwrap().to_owned();
                    Some(Ok(Certificate::from_pem(pem.as_bytes()).unwrap()))
                }
                202 => {
                    wait(answer.header("retry-after").unwrap().parse().unwrap());
                    None
                }
                status => {
                    let slug = answer.json()["type"].as_str().unwrap().to_owned();
                    Some(Err(Refused::V2(status, slug)))
                }
            },
            Asking::Cmp(cmp) => cmp.hear(&answer.body),
        }
    }
}

impl Cmp {
    /// An answer that ends the transaction leaves it as it was, so that the same message can be sent, and answered, once more.
    fn hear(&mut self, answer: &[u8]) -> Option<Result<Certificate, Refused>> {
        let mut talk = self.talk.clone();
        match talk.hear(answer) {
            Step::Issued(issued) => {
                let certificate = issued.certificate.certificate().unwrap();
                if !self.explicit {
                    assert!(issued.implicitly_confirmed);
                    return Some(Ok(certificate));
                }
                self.message = talk.accept();
                self.held = Some(certificate);
            }
            Step::Waiting { check_after, .. } => {
                wait(check_after);
                self.message = talk.poll();
            }
            Step::Confirmed => return self.held.clone().map(Ok),
            Step::Rejected(Rejection { failure, .. }) => return Some(Err(Refused::Cmp(failure))),
            other => panic!("{other:?}"),
        }
        self.talk = talk;
        None
    }
}

/// As long as the service says.
fn wait(seconds: u32) {
    std::thread::sleep(Duration::from_secs(u64::from(seconds)).min(PATIENCE));
}

fn common_name(subject: &Name) -> String {
    let text = subject.to_string();
    let (_, rest) = text.split_once("CN=").unwrap();
    rest.split(',').next().unwrap().to_owned()
}
