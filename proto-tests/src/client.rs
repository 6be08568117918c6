//! A client with one request, through any of the doors: what it sends is the same until it is answered, as real ones do it.

use std::io;
use std::time::Duration;

use crate::certs::{Keys, dn};
use crate::cmp::{self, Shared, Talk};
use crate::https::{Answer, HttpsClient};
use crate::v1::{Certificates, ENROLL, Request, UPDATE, csr};
use bytes::Bytes;
use pki::{Certificate, Name};
use pkixcmp::PkiFailureInfo;
use pkixcmp::client::{Confirmation, Rejection, Step};
use serde_json::json;

/// As long as a service may make a client wait between two questions.
const LONGEST: Duration = Duration::from_secs(60);

/// By which interface a certificate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// REST v1.
    V1,
    /// A key update: the old key is lent, so that only the client's own calls can move the request.
    V1Update,
    /// REST v2.
    V2,
    /// CMP, asking for implicit confirmation.
    CmpImplicit,
    /// CMP, confirming itself.
    CmpExplicit,
}

/// Where one process takes requests, for the label `RA`.
pub struct Doors {
    /// REST over TLS, with the client's certificate.
    pub rest: HttpsClient,
    /// CMP over HTTP.
    pub cmp: HttpsClient,
    /// What a CMP client shares with it.
    pub device: Shared,
}

/// A client with one request.
#[derive(Clone)]
pub struct Client {
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
pub enum Refused {
    /// Status and `errorMessage` of REST v1.
    V1(u16, String),
    /// Status and problem type of REST v2.
    V2(u16, String),
    /// failInfo.
    Cmp(PkiFailureInfo),
}

impl Client {
    /// A request for that common name. An update has to have its first certificate now.
    pub fn new(door: Door, doors: &Doors, common_name: &str) -> Self {
        let subject = format!("O=Kill,CN={common_name}");
        let names = ["dns:kill.example"];
        let key = Keys::ec();
        let request = match door {
            Door::V1 => Asking::V1(ENROLL, Request::for_names(&subject, &names, &key)),
            Door::V1Update => {
                let old = Keys::ec();
                let first = Request::for_names(&subject, &names, &old);
                let first = Certificates::of(&first.get(&doors.rest, ENROLL));
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
                let (talk, message) = doors
                    .device
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

    /// The name it asks for.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// The same request as a new one: another key, another transactionID. REST v1 has neither.
    pub fn anew(&self, door: Door, doors: &Doors) -> Self {
        let Self { subject, request } = self;
        let request = match request {
            Asking::V1(path, request) => Asking::V1(path, request.clone()),
            Asking::V2 { key, body } => Asking::V2 {
                key: format!("{key}-again"),
                body: body.clone(),
            },
            Asking::Cmp(_) => Self::new(door, doors, &common_name(subject)).request,
        };
        Self {
            subject: subject.clone(),
            request,
        }
    }

    /// The request, as it is now.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send_to(&self, doors: &Doors) -> io::Result<Answer> {
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

    /// The certificate that it has got and still has to confirm.
    pub fn held(&self) -> Option<&Certificate> {
        match &self.request {
            Asking::Cmp(cmp) => cmp.held.as_ref(),
            _ => None,
        }
    }

    /// Whether an answer is one at all: a CMP client believes what is protected and nothing else.
    pub fn believes(&self, answer: &Answer) -> bool {
        match &self.request {
            Asking::Cmp(cmp) => answer.status == 200 && cmp.talk.believes(&answer.body),
            Asking::V1(..) | Asking::V2 { .. } => true,
        }
    }

    /// What an answer means; `None` when there is more to be said, or when it has waited as long as it was told.
    ///
    /// # Panics
    /// When it is none that the interface has.
    pub fn hear(&mut self, answer: &Answer) -> Option<Result<Certificate, Refused>> {
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
    std::thread::sleep(Duration::from_secs(u64::from(seconds)).min(LONGEST));
}

fn common_name(subject: &Name) -> String {
    let text = subject.to_string();
    let (_, rest) = text.split_once("CN=").unwrap();
    rest.split(',').next().unwrap().to_owned()
}
