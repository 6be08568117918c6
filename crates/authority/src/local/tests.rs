mod issuing;
mod revoking;
mod starting;

use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use pki::crl::Crl;
use pki::{
    CaConstraint, Certificate, KeyKind, KeyUsages, Name, PrivateKey, Template, chain, name, usage,
};
use ra::memory::MemoryJournal;
use ra::{
    Approved, Authority, AuthorityName, By, ConfirmedBy, CredentialId, EnrollRequest, Key, Label,
    Order, Progress, Proof, Refusal, RefusalKind, Support, SupportAnswer, Verdict,
};

use super::*;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn named(text: &str) -> Name {
    name::onap::parse(text).unwrap()
}

fn hierarchy() -> HierarchySettings {
    HierarchySettings::new(named("O=Test,CN=Root"), named("O=Test,CN=Issuing"))
}

fn journal() -> Arc<MemoryJournal> {
    Arc::new(MemoryJournal::new(Arc::new(now)))
}

async fn open(
    folder: &std::path::Path,
    settings: LocalSettings,
) -> Result<LocalAuthority, HierarchyError> {
    LocalAuthority::open_or_create(
        AuthorityName::new("local"),
        folder,
        &hierarchy(),
        settings,
        journal(),
        now(),
    )
    .await
}

async fn ca_with(settings: LocalSettings) -> LocalAuthority {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), settings).await.unwrap()
}

fn template() -> Template {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let mut template = Template::new(named("CN=workload"), key.public_key().clone());
    template.sans = vec!["dns:workload.example".parse().unwrap()];
    template
}

async fn prepared(ca: &LocalAuthority, template: &Template) -> Result<Sealed, AskError> {
    let request = EnrollRequest {
        key: Key {
            scope: CredentialId::new("test"),
            value: Bytes::from_static(b"1"),
            replay_for: None,
        },
        fingerprint: [0; 32],
        label: Label::new("test"),
        profile: None,
        wanted: template.clone(),
        lifetime: None,
        proof: Proof::RaVerified,
        original: None,
        replaces: None,
        confirmed_by: ConfirmedBy::Ra,
        front: Sealed::default(),
        correlation: None,
    };
    let approved = Approved {
        template: template.clone(),
        changed: false,
        authority: AuthorityName::new("local"),
    };
    ca.prepare(
        Order::Enroll {
            request: &request,
            approved: &approved,
        },
        now(),
    )
    .await
}

async fn advanced(ca: &LocalAuthority, state: &Sealed) -> (Sealed, Answer) {
    let step = ca.advance(state, By::Ra, now()).await.unwrap();
    match step.progress {
        Progress::Issued(answer) => (step.state, *answer),
        other => panic!("{other:?}"),
    }
}

async fn issued(ca: &LocalAuthority, template: &Template) -> Certificate {
    advanced(ca, &prepared(ca, template).await.unwrap())
        .await
        .1
        .leaf
}

async fn crl(ca: &LocalAuthority, at: Timestamp) -> Crl {
    match ca.support(Support::Crl, at).await.unwrap() {
        SupportAnswer::Crl(Some(der)) => Crl::from_der(der).unwrap(),
        other => panic!("{other:?}"),
    }
}
