use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::issue::{Serial, TbsParameters, issue};
use pki::{CaConstraint, Certificate, CertificateId, KeyKind, KeyUsages, PrivateKey, Template};

use crate::{
    Answer, AskError, Authority, By, Health, Order, Progress, Refusal, Sealed, SentAs, Step,
    Support, SupportAnswer, Verdict,
};

/// What a [`MemoryCa`] does with the next call of `advance` or `confirm`, instead of what a good CA does.
#[derive(Debug)]
pub enum Script {
    /// Does its work.
    Good,
    /// Makes the client wait for so long.
    Wait(SignedDuration),
    /// Cannot be reached.
    NotSent,
    /// Cannot be reached by the way that was chosen; there is another.
    NotSentThisWay,
    /// Does its work, and the answer is lost on the way.
    AnswerLost,
    /// Has lost the transaction.
    Lost,
    /// Refuses.
    Reject(Refusal),
    /// Issues for this template instead of the one asked for.
    IssueInstead(Box<Template>),
}

/// A CA in memory: one root that issues at once, and does what it is told to when a test wants it otherwise.
pub struct MemoryCa {
    root: Certificate,
    key: PrivateKey,
    must_confirm: bool,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    script: VecDeque<Script>,
    orders: HashMap<u64, Ordered>,
    issued: HashMap<u64, Certificate>,
    confirmed: Vec<CertificateId>,
    withdrawn: Vec<CertificateId>,
    revoked: Vec<CertificateId>,
    calls: usize,
    down: Option<String>,
}

#[derive(Clone)]
enum Ordered {
    Enroll(Box<Template>),
    Revoke(CertificateId),
}

impl MemoryCa {
    /// A CA with a fresh root, valid for a year around `now`, that expects explicit confirmation.
    ///
    /// # Errors
    /// When the system has no randomness, in words.
    pub async fn new(now: Timestamp) -> Result<Self, String> {
        let key = PrivateKey::generate(KeyKind::P256).map_err(|e| e.to_string())?;
        let subject = pki::name::onap::parse("CN=Memory Root").map_err(|e| e.to_string())?;
        let mut template = Template::new(subject, key.public_key().clone());
        template.ca = Some(CaConstraint { path_len: None });
        template.key_usage = Some(KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN);
        let serial = Serial::random().map_err(|e| e.to_string())?;
        let half = SignedDuration::from_hours(24 * 180);
        let tbs = TbsParameters::self_signed(template, serial, now - half, now + half);
        let root = issue(&tbs, &key).await.map_err(|e| e.to_string())?;
        Ok(Self {
            root,
            key,
            must_confirm: true,
            held: Mutex::default(),
        })
    }

    /// The same CA, granting implicit confirmation.
    #[must_use]
    pub fn implicit(self) -> Self {
        Self {
            must_confirm: false,
            ..self
        }
    }

    /// Its root.
    pub fn root(&self) -> &Certificate {
        &self.root
    }

    /// Adds to what it does before it is good again.
    pub fn will(&self, script: Script) {
        self.held().script.push_back(script);
    }

    /// How often it was asked or told something.
    pub fn calls(&self) -> usize {
        self.held().calls
    }

    /// From now on it says that it is down, and why.
    pub fn is_down(&self, why: &str) {
        self.held().down = Some(why.to_owned());
    }

    /// Every certificate it issued.
    pub fn issued(&self) -> Vec<Certificate> {
        self.held().issued.values().cloned().collect()
    }

    /// The certificates it knows to be taken.
    pub fn confirmed(&self) -> Vec<CertificateId> {
        self.held().confirmed.clone()
    }

    /// The certificates it got back.
    pub fn withdrawn(&self) -> Vec<CertificateId> {
        self.held().withdrawn.clone()
    }

    /// The certificates it revoked.
    pub fn revoked(&self) -> Vec<CertificateId> {
        self.held().revoked.clone()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Script> {
        let mut held = self.held();
        held.calls += 1;
        held.script
            .pop_front()
            .filter(|script| !matches!(script, Script::Good))
    }

    /// A certificate that no order asked for, valid from `now` for a day or as long as the template says.
    ///
    /// # Errors
    /// When it cannot be made, in words.
    pub async fn sign(&self, template: Template, now: Timestamp) -> Result<Certificate, String> {
        let until = template
            .validity
            .not_after
            .unwrap_or(now + SignedDuration::from_hours(24));
        let serial = Serial::random().map_err(|e| e.to_string())?;
        let tbs = TbsParameters::under(&self.root, template, serial, now, until);
        issue(&tbs, &self.key).await.map_err(|e| e.to_string())
    }

    /// The certificate of an order, the same one however often it is asked for.
    async fn certificate(
        &self,
        number: u64,
        template: Template,
        now: Timestamp,
    ) -> Result<Certificate, AskError> {
        if let Some(issued) = self.held().issued.get(&number) {
            return Ok(issued.clone());
        }
        let made = self.sign(template, now).await;
        let made = made.map_err(|why| AskError::Unknown { why })?;
        Ok(self.held().issued.entry(number).or_insert(made).clone())
    }
}

fn number_of(state: &Sealed) -> Result<u64, AskError> {
    let bytes = <[u8; 8]>::try_from(state.0.as_ref());
    bytes
        .map(u64::from_be_bytes)
        .map_err(|_| AskError::Unknown {
            why: "the state is not this CA's".to_owned(),
        })
}

fn deviation(script: Script) -> Result<Progress, AskError> {
    match script {
        Script::Wait(check_after) => Ok(Progress::Waiting { check_after }),
        Script::Reject(refusal) => Ok(Progress::Rejected(refusal)),
        Script::NotSent => Err(AskError::NotSent {
            retry_after: None,
            why: "connection refused".to_owned(),
        }),
        Script::NotSentThisWay => Err(AskError::NotSent {
            retry_after: Some(SignedDuration::ZERO),
            why: "connection refused".to_owned(),
        }),
        Script::Lost => Err(AskError::Lost {
            why: "transactionIdInUse".to_owned(),
        }),
        Script::Good | Script::AnswerLost | Script::IssueInstead(_) => Err(AskError::Unknown {
            why: "connection reset".to_owned(),
        }),
    }
}

#[async_trait]
impl Authority for MemoryCa {
    async fn prepare(&self, order: Order<'_>, _now: Timestamp) -> Result<Sealed, AskError> {
        let ordered = match order {
            Order::Enroll { approved, .. } => Ordered::Enroll(Box::new(approved.template.clone())),
            Order::Revoke { of, .. } => Ordered::Revoke(of.clone()),
        };
        let mut held = self.held();
        let number = held.orders.len() as u64;
        held.orders.insert(number, ordered);
        Ok(Sealed(Bytes::copy_from_slice(&number.to_be_bytes())))
    }

    async fn advance(&self, state: &Sealed, _by: By<'_>, now: Timestamp) -> Result<Step, AskError> {
        let number = number_of(state)?;
        let script = self.next();
        let Some(ordered) = self.held().orders.get(&number).cloned() else {
            return Err(AskError::Lost {
                why: "no such order".to_owned(),
            });
        };
        let progress = match (ordered, script) {
            (Ordered::Enroll(template), Some(Script::AnswerLost)) => {
                self.certificate(number, *template, now).await?;
                return deviation(Script::AnswerLost).map(|progress| Step {
                    state: state.clone(),
                    progress,
                });
            }
            (Ordered::Enroll(_), Some(Script::IssueInstead(other))) => {
                self.answer(number, *other, now).await?
            }
            (Ordered::Enroll(template), None) => self.answer(number, *template, now).await?,
            (Ordered::Revoke(of), None) => {
                self.held().revoked.push(of);
                Progress::Done
            }
            (_, Some(script)) => deviation(script)?,
        };
        Ok(Step {
            state: state.clone(),
            progress,
        })
    }

    async fn confirm(
        &self,
        state: &Sealed,
        answer: &Answer,
        verdict: &Verdict,
        _by: By<'_>,
        _now: Timestamp,
    ) -> Result<Step, AskError> {
        let script = self.next();
        if let None | Some(Script::AnswerLost) = script {
            let mut held = self.held();
            let list = match verdict {
                Verdict::Accept { .. } => &mut held.confirmed,
                Verdict::Reject { .. } => &mut held.withdrawn,
            };
            if !list.contains(&answer.leaf.id()) {
                list.push(answer.leaf.id());
            }
        }
        let progress = script.map_or(Ok(Progress::Done), deviation)?;
        Ok(Step {
            state: state.clone(),
            progress,
        })
    }

    async fn support(&self, asked: Support, _now: Timestamp) -> Result<SupportAnswer, AskError> {
        match asked {
            Support::CaCerts => Ok(SupportAnswer::CaCerts(vec![self.root.clone()])),
            Support::Crl => Ok(SupportAnswer::Crl(None)),
        }
    }

    async fn health(&self) -> Health {
        self.held().down.clone().map_or(Health::Up, Health::Down)
    }
}

impl MemoryCa {
    async fn answer(
        &self,
        number: u64,
        template: Template,
        now: Timestamp,
    ) -> Result<Progress, AskError> {
        Ok(Progress::Issued(Box::new(Answer {
            leaf: self.certificate(number, template, now).await?,
            pool: Vec::new(),
            ca_pubs: vec![self.root.clone()],
            must_confirm: self.must_confirm,
            sent_as: SentAs::Initialization,
        })))
    }
}
