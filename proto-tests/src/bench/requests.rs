//! Requests, prepared before the clock starts: keys, proofs and MACs are the client's own affair.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use jiff::Timestamp;
use pki::{Csr, GeneralName, KeyUsages, Name, Template, random, usage};
use pkixcmp::client::{ClientTransaction, Confirmation, Opening, Tolerance};
use pkixcmp::crmf::CertRequest;
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::pop::Unproven;
use pkixcmp::protection::{KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, PbmParameters};
use pkixcmp::transaction::{Nonce, Outgoing, TransactionId};
use pkixcmp::{CertReqId, PkiBody, Pvno};
use serde_json::json;

use super::site::{REFERENCE, SECRET};
use crate::certs::{Keys, dn, sans};

/// How many keys there are; clients share them.
const SUBJECTS: usize = 64;

/// A key with every form of request for it.
pub(crate) struct Subject {
    pub(crate) spki: Bytes,
    /// The body of a REST v2 request.
    pub(crate) rest: Vec<u8>,
    proven: PkiBody,
    vouched: PkiBody,
}

/// One CMP request, ready to be sent.
pub(crate) struct Prepared {
    pub(crate) message: Bytes,
    pub(crate) transaction: ClientTransaction,
    pub(crate) key: Arc<MacKey>,
    pub(crate) spki: Bytes,
}

/// How CMP requests are to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) explicit: bool,
    /// As an RA: its word for the proof, and a salt for every message.
    pub(crate) as_ra: bool,
}

pub(crate) fn subjects() -> Result<Vec<Subject>> {
    (0..SUBJECTS).map(subject).collect()
}

fn subject(number: usize) -> Result<Subject> {
    let key = Keys::ec();
    let name = format!("host-{number}.bench.example");
    let mut template = Template::new(dn(&format!("O=Bench,CN={name}")), key.public_key().clone());
    template.sans = sans(&[&format!("dns:{name}")]);
    template.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
    template.ext_key_usage = vec![usage::SERVER_AUTH, usage::CLIENT_AUTH];
    let csr = Csr::build(&template, &key)?;
    let unproven = || -> Result<Unproven> {
        Ok(Unproven::new(CertRequest {
            cert_req_id: CertReqId::FIRST,
            cert_template: CertTemplate::from_template(&template)?,
            controls: None,
        })?)
    };
    let request = unproven()?;
    let signature = key.sign_now(request.to_be_signed())?;
    let proven = request.proven(key.algorithm().clone(), &signature, None)?;
    Ok(Subject {
        spki: key.public_key().spki_der().clone(),
        rest: json!({ "csr": csr.to_pem() }).to_string().into_bytes(),
        proven: PkiBody::Ir([proven].into()),
        vouched: PkiBody::Ir([unproven()?.ra_verified(None)].into()),
    })
}

/// That many requests, each in a transaction of its own.
pub(crate) fn prepare(count: usize, manner: Manner, subjects: &[Subject]) -> Result<Vec<Prepared>> {
    let secret = MacSecret::new(SECRET.as_bytes());
    let shared = derive(&secret)?;
    let recipient = GeneralName::Directory(Name::default());
    let sender = GeneralName::Directory(dn(&format!("CN={REFERENCE}")));
    let one = |subject: &Subject| -> Result<Prepared> {
        let key = if manner.as_ra {
            derive(&secret)?
        } else {
            Arc::clone(&shared)
        };
        let opening = Opening {
            transaction_id: TransactionId(random::bytes()?),
            recipient: recipient.clone(),
            pvno: Pvno::CMP2000,
            confirmation: if manner.explicit {
                Confirmation::Explicit
            } else {
                Confirmation::Implicit
            },
            general_info: Vec::new(),
            tolerance: Tolerance::default(),
        };
        let body = if manner.as_ra {
            &subject.vouched
        } else {
            &subject.proven
        };
        let out = outgoing(&key, sender.clone())?;
        let (transaction, message) = ClientTransaction::begin(opening, body, out)?;
        Ok(Prepared {
            message: key.protect(message),
            transaction,
            key,
            spki: subject.spki.clone(),
        })
    };
    subjects.iter().cycle().take(count).map(one).collect()
}

/// What a message of the load client needs beyond its transaction.
pub(crate) fn outgoing(key: &MacKey, sender: GeneralName) -> Result<Outgoing> {
    Ok(Outgoing {
        sender,
        sender_kid: Some(Bytes::from_static(REFERENCE.as_bytes())),
        protection_alg: Some(key.algorithm().clone()),
        sender_nonce: Nonce(random::bytes()?),
        message_time: Some(Timestamp::now()),
        extra_certs: Vec::new(),
    })
}

fn derive(secret: &MacSecret) -> Result<Arc<MacKey>> {
    let scheme = MacScheme::Pbm(PbmParameters::sha256(random::bytes::<16>()?));
    let policy = MacPolicy::default();
    let key = MacKey::derive(secret, &scheme, &policy, &KeyCache::new(0))?;
    Ok(Arc::new(key))
}
