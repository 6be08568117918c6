//! One load client: sends, waits, and believes no answer that it has not looked at.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use pki::{Certificate, GeneralName};
use pkixcmp::PkiMessage;
use pkixcmp::client::{Authenticity, Step, Verdict};
use pkixcmp::protection::MacKey;
use serde_json::Value;

use super::http::{Http, find};
use super::requests::{Prepared, PreparedV1, Subject, outgoing};
use super::site::REFERENCE;
use crate::certs::dn;

/// Of so many REST answers one is parsed and its public key compared.
const SAMPLE: u64 = 16;
const ALL_SENT: &str = "every prepared request was sent before the time was over";

/// What the clients of one cell share.
pub(crate) struct Shared {
    /// Heads of requests, without their length.
    pub(crate) head: Vec<u8>,
    pub(crate) from: Cell<Instant>,
    pub(crate) until: Cell<Instant>,
    /// Microseconds of every enrollment that ended within the time.
    pub(crate) latencies: RefCell<Vec<u32>>,
    /// CMP requests not sent yet.
    pub(crate) prepared: RefCell<std::vec::IntoIter<Prepared>>,
    /// REST v1 requests not sent yet.
    pub(crate) prepared_v1: RefCell<std::vec::IntoIter<PreparedV1>>,
    /// REST: what tells answers apart (v2: serial number, v1: digest of the certificate), so that none is one given before.
    pub(crate) serials: RefCell<HashSet<[u8; 32]>>,
    pub(crate) sent: Cell<u64>,
    /// Makes idempotency keys new for every cell.
    pub(crate) run: String,
}

/// Enrolls over REST v2 until the time is over.
pub(crate) async fn rest(shared: Rc<Shared>, mut http: Http, subjects: &[Subject]) -> Result<()> {
    while Instant::now() < shared.until.get() {
        let start = Instant::now();
        once(&shared, &mut http, subjects).await?;
        shared.note(start, Instant::now());
    }
    Ok(())
}

/// One enrollment over REST v2, looked at.
pub(crate) async fn once(shared: &Shared, http: &mut Http, subjects: &[Subject]) -> Result<()> {
    let number = shared.sent.get();
    shared.sent.set(number + 1);
    let subject = &subjects[number as usize % subjects.len()];
    let key = format!("Idempotency-Key: {}-{number}\r\n", shared.run);
    let (status, body) = http
        .post(&[&shared.head, key.as_bytes()], &subject.rest)
        .await?;
    let shown = || String::from_utf8_lossy(&body[..body.len().min(600)]).into_owned();
    ensure!(status == 201, "status {status}: {}", shown());
    ensure!(
        find(body, br#""status":"issued""#).is_some(),
        "no certificate: {}",
        shown()
    );
    let serial = serial(body).with_context(shown)?;
    ensure!(
        shared.serials.borrow_mut().insert(serial),
        "the same serial number twice"
    );
    if number.is_multiple_of(SAMPLE) {
        compare_key(body, "/certificate", &subject.spki)?;
    }
    Ok(())
}

/// Enrolls over REST v1 until the time is over.
pub(crate) async fn rest_v1(shared: Rc<Shared>, mut http: Http) -> Result<()> {
    while Instant::now() < shared.until.get() {
        let next = shared.prepared_v1.borrow_mut().next();
        let request = next.context(ALL_SENT)?;
        let number = shared.sent.get();
        shared.sent.set(number + 1);
        let start = Instant::now();
        let (status, body) = http.get(&[&shared.head, &request.fields]).await?;
        let end = Instant::now();
        let shown = || String::from_utf8_lossy(&body[..body.len().min(600)]).into_owned();
        ensure!(status == 200, "status {status}: {}", shown());
        let begin = find(body, b"-----BEGIN CERTIFICATE").with_context(shown)?;
        let leaf = find(&body[begin..], b"-----END").with_context(shown)?;
        let leaf = pki::digest::sha256(&body[begin..begin + leaf]);
        ensure!(
            shared.serials.borrow_mut().insert(leaf),
            "the same certificate twice"
        );
        if number.is_multiple_of(SAMPLE) {
            compare_key(body, "/certificateChain/0", &request.spki)?;
        }
        shared.note(start, end);
    }
    Ok(())
}

/// Enrolls over CMP until the time is over: every answer's MAC, identifiers, status and public key are checked.
pub(crate) async fn cmp(shared: Rc<Shared>, mut http: Http) -> Result<()> {
    let sender = GeneralName::Directory(dn(&format!("CN={REFERENCE}")));
    while Instant::now() < shared.until.get() {
        let next = shared.prepared.borrow_mut().next();
        let mut request = next.context(ALL_SENT)?;
        let start = Instant::now();
        let answer = exchange(&mut http, &shared, &request.message, &request.key).await?;
        let step = request.transaction.receive(&answer, Authenticity::Mac)?;
        let Step::Issued(issued) = step else {
            bail!("no certificate: {step:?}");
        };
        ensure!(
            find(issued.certificate.der(), &request.spki).is_some(),
            "a certificate for another key"
        );
        if !issued.implicitly_confirmed {
            let out = outgoing(&request.key, sender.clone())?;
            let word = request.transaction.confirm(&Verdict::Accept, out)?;
            let word = request.key.protect(word);
            let answer = exchange(&mut http, &shared, &word, &request.key).await?;
            let step = request.transaction.receive(&answer, Authenticity::Mac)?;
            ensure!(step == Step::Confirmed, "not confirmed: {step:?}");
        }
        shared.note(start, Instant::now());
    }
    Ok(())
}

async fn exchange(
    http: &mut Http,
    shared: &Shared,
    message: &[u8],
    key: &MacKey,
) -> Result<PkiMessage> {
    let (status, body) = http.post(&[&shared.head], message).await?;
    let shown = || String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
    ensure!(status == 200, "status {status}: {}", shown());
    let answer = PkiMessage::decode(body.to_vec()).with_context(shown)?;
    // The peer mirrors the request's parameters, so the key is at hand.
    ensure!(
        answer.header().protection_alg.as_ref() == Some(key.algorithm()),
        "an answer with other MAC parameters: {:?}",
        answer.body()
    );
    ensure!(
        answer.protection() == Some(&key.mac(&answer.to_be_protected())),
        "an answer with a wrong MAC"
    );
    Ok(answer)
}

impl Shared {
    pub(crate) fn note(&self, start: Instant, end: Instant) {
        if self.from.get() <= end && end < self.until.get() {
            let micros = end.duration_since(start).as_micros();
            let micros = u32::try_from(micros).unwrap_or(u32::MAX);
            self.latencies.borrow_mut().push(micros);
        }
    }
}

/// What is inside `"serial":"…"`, filled up with zeros.
fn serial(json: &[u8]) -> Result<[u8; 32]> {
    const MEMBER: &[u8] = br#""serial":""#;
    let at = find(json, MEMBER).context("no serial")? + MEMBER.len();
    let digits = json[at..].iter().take_while(|octet| **octet != b'"');
    let mut serial = [0; 32];
    let mut count = 0;
    for (place, digit) in serial.iter_mut().zip(digits) {
        *place = *digit;
        count += 1;
    }
    ensure!(count > 0, "an empty serial");
    Ok(serial)
}

fn compare_key(json: &[u8], member: &'static str, spki: &[u8]) -> Result<()> {
    let answer: Value = serde_json::from_slice(json)?;
    let text = answer.pointer(member).and_then(Value::as_str);
    let text = text.context(member)?;
    let found = Certificate::all_from_pem(text.as_bytes())?;
    let leaf: &Certificate = found.first().context("an empty certificate")?;
    ensure!(
        **leaf.public_key().spki_der() == *spki,
        "a certificate for another key"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_read_out_of_an_answer_and_has_to_be_there() {
        let read = serial(br#"{"serial":"5f3a","kind":"ir"}"#).unwrap();
        assert_eq!(&read[..5], b"5f3a\0");
        assert!(serial(br#"{"serial":""}"#).is_err());
        assert!(serial(b"{}").is_err());
    }
}
