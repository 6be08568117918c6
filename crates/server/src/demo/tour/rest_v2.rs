//! REST v2, by the client that `certway` uses too.

use std::time::Duration;

use anyhow::Context;
use api::client::{Awaited, Client, IdempotencyKey, Progress};
use api::v2::{
    EnrollRequest, ProofAlgorithm, Replaces, ReplacesProof, RequestKind, RevocationReason,
    RevokeRequest, RevokeTarget,
};
use jiff::Timestamp;
use pki::{Certificate, Csr, KeyKind, PrivateKey};

use super::super::{LABEL, material};
use super::Got;

/// For as long a CA may make us wait that is ours and does not.
const PATIENCE: Duration = Duration::from_secs(30);

const SUBJECT: &str = "O=Certway Demo,CN=rest-v2";
const NAME: &str = "dns:rest-v2.demo.example";

/// REST v2 of a certway-ra.
pub(super) struct Service(Client);

impl Service {
    pub(super) fn new(http: reqwest::Client, rest: &str) -> anyhow::Result<Self> {
        Ok(Self(Client::new(http, rest.parse()?)))
    }

    /// A first certificate.
    pub(super) async fn enroll(&self) -> anyhow::Result<Got> {
        let (key, csr) = request()?;
        self.ask(key, &EnrollRequest::new(csr.to_pem())).await
    }

    /// Its successor: the old key signs the new request.
    pub(super) async fn renew(&self, old: &Got) -> anyhow::Result<Got> {
        let (key, csr) = request()?;
        let mut asked = EnrollRequest::new(csr.to_pem());
        asked.replaces = Some(Replaces {
            certificate: old.leaf()?.to_pem(),
            proof: Some(ReplacesProof {
                algorithm: ProofAlgorithm::EcdsaSha256,
                signature: old.key.sign_now(csr.der())?.to_vec(),
            }),
        });
        self.ask(key, &asked).await
    }

    /// Revokes it.
    pub(super) async fn revoke(&self, got: &Got) -> anyhow::Result<()> {
        let asked = RevokeRequest {
            target: RevokeTarget::Certificate(got.leaf()?.to_pem()),
            reason: RevocationReason::Superseded,
        };
        let answer = self.0.revoke(LABEL, &asked, &fresh()?).await?;
        done(answer.body).await?;
        Ok(())
    }

    async fn ask(&self, key: PrivateKey, asked: &EnrollRequest) -> anyhow::Result<Got> {
        let answer = self.0.enroll(LABEL, asked, &fresh()?).await?;
        let issued = done(answer.body).await?;
        let leaf = Certificate::from_pem(issued.certificate.as_bytes())?;
        let others = issued.chain.iter().chain(&issued.roots);
        let others = others
            .map(|pem| Certificate::from_pem(pem.as_bytes()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut got = Got::checked(key, &leaf, &others, Timestamp::now())?;
        got.remark = Some(format!("the CA was asked by {}", form(issued.kind)));
        Ok(got)
    }
}

fn request() -> anyhow::Result<(PrivateKey, Csr)> {
    let key = PrivateKey::generate(KeyKind::P256)?;
    let csr = material::request(&key, SUBJECT, NAME)?;
    Ok((key, csr))
}

/// A name no request had before.
fn fresh() -> anyhow::Result<IdempotencyKey> {
    Ok(hex::encode(pki::random::bytes::<16>()?).parse()?)
}

async fn done<T: Awaited>(mut progress: Progress<T>) -> anyhow::Result<T> {
    let waiting = async {
        loop {
            match progress {
                Progress::Done(done) => return Ok(done),
                Progress::Waiting(pending) => {
                    tokio::time::sleep(pending.check_after()).await;
                    progress = pending.ask().await?.body;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .context("the CA does not decide")?
}

fn form(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Ir => "ir (initialization request)",
        RequestKind::Cr => "cr (certification request)",
        RequestKind::Kur => "kur (key update request)",
        RequestKind::P10cr => "p10cr (the PKCS#10 request as it is)",
        _ => "no message: our own signer issued it",
    }
}
