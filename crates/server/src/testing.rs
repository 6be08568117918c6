//! A site over the CA in memory, and calls of its router: what the fronts' tests stand on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use pki::{Certificate, Csr, GeneralName, PrivateKey, Template};
use ra::memory::{MemoryCa, MemoryCredentials, MemoryDomains, MemoryJournal, MemoryWitness};
use ra::{
    Anchors, Authority, AuthorityName, KeyRules, Label, LabelRules, NameRules, OnChange, Profile,
    ProfileName, Ra, Requesters, UsageRules, ValidityRules,
};
use tower::ServiceExt;

use crate::config::Limits;
use crate::metrics::Metrics;
use crate::{App, Callers, LabelSettings, Peer, Site, V1Settings, router};

/// A site with one label, `RA`, over one CA in memory.
pub(crate) struct Bench {
    pub(crate) ca: Arc<MemoryCa>,
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With the site changed before it is served.
    pub(crate) async fn with(change: impl FnOnce(&mut Site)) -> Self {
        let ca = Arc::new(MemoryCa::new(Timestamp::now()).await.unwrap());
        let mut site = site(&ca);
        change(&mut site);
        let app = App::new(site, metrics());
        let router = router::router(Arc::clone(&app), &Limits::default());
        Self { ca, app, router }
    }

    /// The answer to a request of a client with a certificate.
    pub(crate) async fn call(&self, request: Request<Body>) -> Called {
        let mut request = request;
        let address = "192.0.2.1:40000".parse().unwrap();
        request.extensions_mut().insert(Peer {
            address,
            certificate: Some(self.ca.root().clone()),
        });
        called(self.router.clone(), request).await
    }

    /// GET with these header fields.
    pub(crate) async fn get(&self, path: &str, fields: &[(&str, String)]) -> Called {
        let request = fields
            .iter()
            .fold(Request::get(path), |request, (name, value)| {
                request.header(*name, value)
            });
        self.call(request.body(Body::empty()).unwrap()).await
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Called {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

pub(crate) async fn called(router: Router, request: Request<Body>) -> Called {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Called {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

pub(crate) fn site(ca: &Arc<MemoryCa>) -> Site {
    let authority = AuthorityName::new("memory");
    let profile = ProfileName::new("web");
    let label = Label::new("RA");
    let rules = LabelRules {
        default_profile: profile.clone(),
        profiles: vec![profile.clone()],
        requesters: Requesters::Any,
    };
    let ra = Ra {
        journal: Arc::new(MemoryJournal::by_system_clock()),
        domains: Arc::new(MemoryDomains::default()),
        authorities: HashMap::from([(authority.clone(), Arc::clone(ca) as Arc<dyn Authority>)]),
        profiles: HashMap::from([(
            profile.clone(),
            self::profile(profile, authority, ca.root()),
        )]),
        labels: HashMap::from([(label.clone(), rules)]),
        lease: SignedDuration::from_secs(60),
        clock: Arc::new(Timestamp::now),
        witness: Arc::new(MemoryWitness::default()),
    };
    Site {
        ra: Arc::new(ra),
        guards: HashMap::new(),
        credentials: Arc::new(MemoryCredentials::default()),
        callers: Callers::default(),
        labels: HashMap::from([(label, LabelSettings::default())]),
        cmp: crate::settings::CmpListener::default(),
        v1: V1Settings {
            hold: Duration::from_millis(300),
            ..V1Settings::default()
        },
        certificates: Vec::new(),
        shown: serde_json::Value::Null,
        loaded_at: Timestamp::now(),
        configured: true,
    }
}

pub(crate) fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new().unwrap())
}

fn profile(name: ProfileName, authority: AuthorityName, root: &Certificate) -> Profile {
    Profile {
        name,
        authority,
        anchors: Anchors::Configured(vec![root.clone()]),
        requesters: Requesters::Any,
        keys: KeyRules::default(),
        names: NameRules::default(),
        validity: ValidityRules::default(),
        usages: UsageRules::default(),
        ca_certificates: false,
        on_change: OnChange::Accept,
        confirm_within: SignedDuration::from_mins(5),
    }
}

/// A private key among the fixtures of `pki`, as PEM text.
pub(crate) fn key_pem(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../pki/tests/fixtures/keys");
    std::fs::read_to_string(format!("{folder}/{name}.pem")).unwrap()
}

pub(crate) fn key(name: &str) -> PrivateKey {
    PrivateKey::from_pem(key_pem(name).as_bytes(), None).unwrap()
}

/// A CSR for this subject (left to right) and these DNS names.
pub(crate) fn csr(key: &PrivateKey, subject: &str, dns: &[&str]) -> Csr {
    let subject = pki::name::onap::parse(subject).unwrap();
    let sans = dns
        .iter()
        .map(|name| GeneralName::Dns((*name).to_owned()))
        .collect();
    Csr::build(
        &Template {
            sans,
            ..Template::new(subject, key.public_key().clone())
        },
        key,
    )
    .unwrap()
}

/// A root with the fixtures' P-384 key.
pub(crate) async fn root() -> Certificate {
    let key = key("p384-sec1");
    let subject = pki::name::onap::parse("CN=Test Root").unwrap();
    let mut template = Template::new(subject, key.public_key().clone());
    template.ca = Some(pki::CaConstraint { path_len: None });
    template.key_usage = Some(pki::KeyUsages::KEY_CERT_SIGN);
    let (serial, now) = (pki::issue::Serial::random().unwrap(), Timestamp::now());
    let until = now + SignedDuration::from_hours(24);
    let tbs = pki::issue::TbsParameters::self_signed(template, serial, now, until);
    pki::issue::issue(&tbs, &key).await.unwrap()
}

/// A certificate below [`root`] for the fixtures' P-256 key.
pub(crate) async fn certificate(subject: &str, dns: &[&str]) -> Certificate {
    let now = Timestamp::now();
    certificate_until(subject, dns, now + SignedDuration::from_hours(1)).await
}

pub(crate) async fn certificate_until(
    subject: &str,
    dns: &[&str],
    until: Timestamp,
) -> Certificate {
    let template = csr(&key("p256-pkcs8"), subject, dns).template().unwrap();
    let from = Timestamp::now() - SignedDuration::from_hours(2);
    let serial = pki::issue::Serial::random().unwrap();
    let tbs = pki::issue::TbsParameters::under(&root().await, template, serial, from, until);
    pki::issue::issue(&tbs, &key("p384-sec1")).await.unwrap()
}
