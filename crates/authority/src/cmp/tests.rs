mod ca;
mod confirming;
mod dialects;
mod enrolling;
mod hostile;
mod settings;
mod transports;

use std::sync::Arc;

use bytes::Bytes;
use pki::{Certificate, Csr, PrivateKey, Template};
use pkixcmp::protection::MacSecret;
use ra::{
    Answer, Approved, AskError, Authority, AuthorityName, By, ConfirmedBy, CredentialId,
    EnrollRequest, Key, Label, Order, Original, Progress, Proof, Refusal, Replaces, Sealed,
    Verdict,
};

use super::*;
use ca::{Ca, REFERENCE, SECRET, key, named, now};

/// How this CA is configured by default: rfc9483, PBM.
fn config(ca: &Ca) -> CmpConfig {
    let identity = MacIdentity {
        reference: Bytes::from_static(REFERENCE),
        secret: MacSecret::new(SECRET),
        form: MacForm::Pbm {
            owf: pkixcmp::protection::Owf::Sha256,
            mac: pkixcmp::protection::Hmac::Sha256,
            iterations: 200,
        },
        salt: SaltLife::default(),
    };
    let name = AuthorityName::new("test");
    CmpConfig::rfc9483(
        name,
        ca.url.parse().unwrap(),
        Protection::Mac(identity),
        AnswerTrust::MacOnly,
    )
}

fn onap(ca: &Ca) -> CmpConfig {
    let (reference, secret) = (Bytes::from_static(REFERENCE), MacSecret::new(SECRET));
    CmpConfig::onap(
        AuthorityName::new("RA"),
        ca.url.parse().unwrap(),
        named("O=Test,CN=CA"),
        reference,
        secret,
    )
}

fn authority(config: CmpConfig) -> CmpAuthority {
    CmpAuthority::new(config).unwrap()
}

/// Behind its guard, which knows how it does.
fn guarded(config: CmpConfig) -> crate::guard::Guard {
    GuardedCmp::from(config).build(None).unwrap()
}

fn template_of(key: &PrivateKey) -> Template {
    let mut template = Template::new(named("O=Test,CN=workload"), key.public_key().clone());
    template.sans = vec!["dns:workload.example".parse().unwrap()];
    template
}

fn request(template: &Template, proof: Proof, original: Option<Original>) -> EnrollRequest {
    EnrollRequest {
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
        proof,
        original,
        replaces: None,
        confirmed_by: ConfirmedBy::Ra,
        front: Sealed::default(),
        correlation: None,
    }
}

/// A request with a lent key.
fn lent(key: &Arc<PrivateKey>) -> EnrollRequest {
    request(&template_of(key), Proof::Lent(Arc::clone(key) as _), None)
}

/// A request by PKCS#10.
fn by_csr(key: &PrivateKey) -> EnrollRequest {
    let template = template_of(key);
    let csr = Csr::build(&template, key).unwrap();
    let proof = Proof::Signature {
        over: Bytes::copy_from_slice(csr.to_be_signed()),
        algorithm: csr.signature_algorithm().clone(),
        signature: Bytes::copy_from_slice(csr.signature()),
    };
    let template = csr.template().unwrap();
    request(
        &template,
        proof,
        Some(Original::CertificationRequest(csr.der().clone())),
    )
}

/// A renewal of `old`, whose key is lent, by a new key that is lent too.
fn renewal(key: &Arc<PrivateKey>, old: &Certificate, old_key: &Arc<PrivateKey>) -> EnrollRequest {
    let replaces = Replaces {
        certificate: old.clone(),
        proof: Proof::Lent(Arc::clone(old_key) as _),
    };
    EnrollRequest {
        replaces: Some(replaces),
        ..lent(key)
    }
}

async fn prepare(authority: &dyn Authority, request: &EnrollRequest) -> Result<Sealed, AskError> {
    prepare_as(authority, request, &request.wanted.clone(), false).await
}

async fn prepare_as(
    authority: &dyn Authority,
    request: &EnrollRequest,
    template: &Template,
    changed: bool,
) -> Result<Sealed, AskError> {
    let approved = Approved {
        template: template.clone(),
        changed,
        authority: AuthorityName::new("test"),
    };
    authority
        .prepare(
            Order::Enroll {
                request,
                approved: &approved,
            },
            now(),
        )
        .await
}

async fn asked(authority: &dyn Authority, request: &EnrollRequest) -> Result<Step, AskError> {
    let state = prepare(authority, request).await?;
    authority.advance(&state, By::Ra, now()).await
}

async fn enrolled(authority: &dyn Authority, request: &EnrollRequest) -> (Sealed, Answer) {
    issued(asked(authority, request).await)
}

#[track_caller]
fn issued(step: Result<Step, AskError>) -> (Sealed, Answer) {
    match step {
        Ok(Step {
            state,
            progress: Progress::Issued(answer),
        }) => (state, *answer),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn rejected(step: Result<Step, AskError>) -> Refusal {
    match step {
        Ok(Step {
            progress: Progress::Rejected(refusal),
            ..
        }) => refusal,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unknown(step: Result<Step, AskError>) -> String {
    match step {
        Err(AskError::Unknown { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn done(step: Result<Step, AskError>) {
    match step {
        Ok(Step {
            progress: Progress::Done,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn waiting(step: Result<Step, AskError>) -> (Sealed, i64) {
    match step {
        Ok(Step {
            state,
            progress: Progress::Waiting { check_after },
        }) => (state, check_after.as_secs()),
        other => panic!("{other:?}"),
    }
}

fn accept() -> Verdict {
    Verdict::Accept { original: None }
}

fn reject() -> Verdict {
    Verdict::Reject {
        why: Refusal::new(ra::RefusalKind::BadAnswer, "another key"),
        original: None,
    }
}
