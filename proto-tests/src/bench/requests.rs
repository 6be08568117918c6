//! Requests, prepared before the clock starts: keys, proofs and MACs are the client's own affair.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use jiff::Timestamp;
use pki::{Csr, GeneralName, KeyUsages, Name, PrivateKey, Template, random, usage};
use pkixcmp::client::{ClientTransaction, Confirmation, Opening, Tolerance};
use pkixcmp::crmf::CertRequest;
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::pop::Unproven;
use pkixcmp::protection::{KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, PbmParameters};
use pkixcmp::transaction::{Nonce, Outgoing, TransactionId};
use pkixcmp::{CertReqId, PkiBody, Pvno};
use serde_json::json;

use super::cells::{Key, Salts};
use super::site::{REFERENCE, SECRET};
use crate::certs::{Keys, dn, sans, traditional_pem};
use crate::v1;

/// How many names there are, and EC keys; clients share them.
const SUBJECTS: usize = 64;

/// A key with every form of request for it.
pub(crate) struct Subject {
    pub(crate) spki: Bytes,
    key: PrivateKey,
    template: Template,
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
    pub(crate) salts: Salts,
    /// As an RA: its word for the proof.
    pub(crate) as_ra: bool,
}

/// One REST v1 request: a CSR of its own, since the same would be answered with the same certificate.
pub(crate) struct PreparedV1 {
    /// The head's fields `CSR` and `PK`.
    pub(crate) fields: Vec<u8>,
    pub(crate) spki: Bytes,
}

/// All RSA subjects have one key: making one takes a tenth of a second.
pub(crate) fn subjects(kind: Key) -> Result<Vec<Subject>> {
    let key = || match kind {
        Key::P256 => Keys::ec(),
        Key::Rsa2048 => Keys::rsa(),
    };
    (0..SUBJECTS).map(|number| subject(number, key())).collect()
}

/// That many requests of REST v1.
pub(crate) fn prepare_v1(count: usize, subjects: &[Subject]) -> Result<Vec<PreparedV1>> {
    let one = |(number, subject): (usize, &Subject)| -> Result<PreparedV1> {
        let mut template = subject.template.clone();
        // RSA signatures are the same over the same octets.
        template.sans = sans(&[&format!("dns:v1-{number}.bench.example")]);
        let csr = Csr::build(&template, &subject.key)?.to_pem();
        let key = v1::base64(traditional_pem(&subject.key));
        let fields = format!("CSR: {}\r\nPK: {key}\r\n", v1::base64(csr));
        Ok(PreparedV1 {
            fields: fields.into_bytes(),
            spki: subject.spki.clone(),
        })
    };
    let cycle = subjects.iter().cycle().take(count);
    cycle.enumerate().map(one).collect()
}

fn subject(number: usize, key: PrivateKey) -> Result<Subject> {
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
    let vouched = PkiBody::Ir([unproven()?.ra_verified(None)].into());
    Ok(Subject {
        spki: key.public_key().spki_der().clone(),
        rest: json!({ "csr": csr.to_pem() }).to_string().into_bytes(),
        template,
        key,
        proven: PkiBody::Ir([proven].into()),
        vouched,
    })
}

/// That many requests, each in a transaction of its own.
pub(crate) fn prepare(count: usize, manner: Manner, subjects: &[Subject]) -> Result<Vec<Prepared>> {
    let secret = MacSecret::new(SECRET.as_bytes());
    let shared = derive(&secret)?;
    let recipient = GeneralName::Directory(Name::default());
    let sender = GeneralName::Directory(dn(&format!("CN={REFERENCE}")));
    let one = |subject: &Subject| -> Result<Prepared> {
        let key = match manner.salts {
            Salts::Each => derive(&secret)?,
            Salts::One => Arc::clone(&shared),
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
