//! A site over the CA in memory that is offered over CMP, with a clock that tests can move.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::issue::{Serial, TbsParameters, issue};
use pki::{CaConstraint, Certificate, KeyKind, KeyUsages, ObjectIdentifier, PrivateKey, Template};
use pkixcmp::PkiMessage;
use pkixcmp::protection::{MacPolicy, Sha1Use};
use ra::memory::{MemoryCa, MemoryCredentials};
use ra::{CredentialId, Label, Principal, Requester, SharedSecret};

use crate::cmp::{Answer, Operation, Transport, answer};
use crate::settings::CmpRules;
use crate::testing::site;
use crate::{App, CmpSettings, CmpSigner, LabelSettings, Site};

pub(super) const REFERENCE: &str = "3078";
pub(super) const SECRET: &str = "insecure";
/// The reference of a client that acts as RA.
pub(super) const RA_REFERENCE: &str = "other-ra";

/// A CA for certificates of clients and of ours.
pub(super) struct Issuer {
    pub(super) root: Certificate,
    key: PrivateKey,
}

impl Issuer {
    pub(super) async fn new(name: &str) -> Self {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let mut template = Template::new(dn(name), key.public_key().clone());
        template.ca = Some(CaConstraint { path_len: None });
        template.key_usage = Some(KeyUsages::KEY_CERT_SIGN);
        let (from, until) = year();
        let serial = Serial::random().unwrap();
        let tbs = TbsParameters::self_signed(template, serial, from, until);
        let root = issue(&tbs, &key).await.unwrap();
        Self { root, key }
    }

    pub(super) async fn issue(
        &self,
        name: &str,
        key: &PrivateKey,
        usages: &[ObjectIdentifier],
    ) -> Certificate {
        let mut template = Template::new(dn(name), key.public_key().clone());
        template.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
        template.ext_key_usage = usages.to_vec();
        let (from, until) = year();
        let serial = Serial::random().unwrap();
        let tbs = TbsParameters::under(&self.root, template, serial, from, until);
        issue(&tbs, &self.key).await.unwrap()
    }
}

pub(super) fn dn(text: &str) -> pki::Name {
    pki::name::onap::parse(text).unwrap()
}

fn year() -> (Timestamp, Timestamp) {
    let half = SignedDuration::from_hours(24 * 180);
    let now = Timestamp::now();
    (now - half, now + half)
}

pub(super) struct House {
    pub(super) ca: Arc<MemoryCa>,
    pub(super) app: Arc<App>,
    pub(super) vendor: Issuer,
    /// The root above the certificate that signs answers.
    pub(super) ours: Issuer,
    late: Arc<AtomicI64>,
}

impl House {
    pub(super) async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    /// With site and settings of the label changed before they are served.
    pub(super) async fn with(change: impl FnOnce(&mut Site, &mut CmpSettings)) -> Self {
        let ca = Arc::new(MemoryCa::new(Timestamp::now()).await.unwrap());
        let (vendor, ours) = (Issuer::new("CN=Vendor").await, Issuer::new("CN=Ours").await);
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let own = ours.issue("CN=Certway RA", &key, &[]).await;
        let mut settings = CmpSettings {
            mac: MacPolicy::default().with_sha1(Sha1Use::MacOnly),
            trusted_clients: vec![vendor.root.clone()],
            acts_as_ra: Vec::new(),
            signer: Some(CmpSigner {
                key: Arc::new(key),
                chain: vec![own, ours.root.clone()],
            }),
            grant_implicit_confirm: true,
            rules: CmpRules {
                hold: Duration::ZERO,
                ..CmpRules::default()
            },
        };
        let mut site = site(&ca);
        let label = Label::new("RA");
        let mut credentials = MemoryCredentials::default();
        for reference in [REFERENCE, "4711"] {
            credentials.insert(
                label.clone(),
                reference,
                client(&label, reference),
                SharedSecret::new(SECRET),
            );
        }
        let other_ra = Requester {
            acts_as_ra: true,
            ..client(&label, RA_REFERENCE)
        };
        credentials.insert(
            label.clone(),
            RA_REFERENCE,
            other_ra,
            SharedSecret::new(SECRET),
        );
        site.credentials = Arc::new(credentials);
        let late = Arc::new(AtomicI64::new(0));
        let seconds = Arc::clone(&late);
        let clock =
            move || Timestamp::now() + SignedDuration::from_secs(seconds.load(Ordering::Relaxed));
        Arc::get_mut(&mut site.ra).unwrap().clock = Arc::new(clock);
        change(&mut site, &mut settings);
        site.labels.insert(
            label,
            LabelSettings {
                cmp: Some(settings),
            },
        );
        Self {
            ca,
            app: App::new(site, crate::testing::metrics()),
            vendor,
            ours,
            late,
        }
    }

    /// A client of its own, with the same configuration and journal, as after a restart.
    pub(super) fn restarted(self) -> Self {
        let site = self.app.site();
        let site = Site {
            ra: Arc::clone(&site.ra),
            guards: HashMap::new(),
            credentials: Arc::clone(&site.credentials),
            callers: site.callers.clone(),
            labels: site.labels.clone(),
            v1: site.v1,
            cmp: site.cmp.clone(),
            certificates: Vec::new(),
            shown: serde_json::Value::Null,
            loaded_at: site.loaded_at,
            configured: true,
        };
        Self {
            app: App::new(site, crate::testing::metrics()),
            ..self
        }
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.late.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) async fn sweep(&self) {
        Arc::clone(&self.app.site().ra).sweep(100).await.unwrap();
    }

    /// What comes back for these octets on a path without a label.
    pub(super) async fn post(&self, body: impl Into<Bytes>) -> Answer {
        self.post_to(None, None, body).await
    }

    pub(super) async fn post_to(
        &self,
        label: Option<&str>,
        operation: Option<Operation>,
        body: impl Into<Bytes>,
    ) -> Answer {
        let label = label.map(Label::new);
        let transport = Transport::default();
        answer(
            &self.app,
            label.as_ref(),
            operation,
            body.into(),
            &transport,
        )
        .await
    }

    /// The same, read.
    pub(super) async fn ask(&self, body: impl Into<Bytes>) -> PkiMessage {
        PkiMessage::decode(self.post(body).await.body).unwrap()
    }
}

pub(super) fn client(label: &Label, reference: &str) -> Requester {
    Requester {
        credential: CredentialId::new(format!("cmp:{label}/{reference}")),
        principals: vec![Principal::new(format!("cmp:{reference}"))],
        acts_as_ra: false,
        certificate: None,
        via: None,
    }
}
