//! What the demo does: a certificate through each door, one renewed, one revoked.

mod over_cmp;
mod rest_v1;
mod rest_v2;

use std::time::Instant;

use anyhow::{Context, bail};
use jiff::Timestamp;
use pki::chain::{self, Chain};
use pki::crl::Crl;
use pki::{Certificate, PrivateKey};

use super::client;
use super::folder::Folder;
use super::material::Material;
use super::ports::Ports;
use super::show::{self, Screen};

/// A certificate that came, with its key.
struct Got {
    key: PrivateKey,
    chain: Chain,
    /// What is worth telling beside it.
    remark: Option<String>,
}

impl Got {
    /// Believes nothing: the certificate has to be for our key, and its chain has to end at one of the roots that came with it.
    fn checked(
        key: PrivateKey,
        leaf: &Certificate,
        others: &[Certificate],
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        if leaf.public_key() != key.public_key() {
            bail!("the certificate is for another key than ours");
        }
        let chain = chain::assemble(leaf, others, &[], now)?;
        Ok(Self {
            key,
            chain,
            remark: None,
        })
    }

    fn leaf(&self) -> anyhow::Result<&Certificate> {
        self.chain.certificates.first().context("an empty chain")
    }
}

/// Goes through all of it.
pub(super) async fn run(
    folder: &Folder,
    ports: &Ports,
    material: &Material,
    screen: &mut Screen<'_>,
) -> anyhow::Result<()> {
    let http = client::https(material)?;
    let rest = client::rest(ports);
    let mut shown = Shown { folder, screen };

    shown
        .step(
            "1. A certificate over REST v1, as an application written for ONAP CertService asks",
            "rest-v1",
            rest_v1::enroll(&http, &rest),
        )
        .await?;
    let v2 = rest_v2::Service::new(http.clone(), &rest)?;
    let first = shown
        .step(
            "2. One over REST v2: the private key stays with its owner",
            "rest-v2",
            v2.enroll(),
        )
        .await?;
    shown
        .step(
            "3. One over CMP: a device with a shared secret, directly",
            "cmp",
            over_cmp::enroll(&client::device(ports, material)?, &material.root),
        )
        .await?;
    shown
        .step(
            "4. The renewal of the second, with a new key",
            "rest-v2-renewed",
            v2.renew(&first),
        )
        .await?;
    shown
        .screen
        .heading("5. The revocation of the one that was renewed")?;
    v2.revoke(&first).await.context("the revocation failed")?;
    let crl = client::crl(ports);
    let serial = listed(&http, &crl, &first.chain)
        .await
        .with_context(|| format!("the list at {crl} cannot be believed"))?;
    shown.screen.row("serial", &serial)?;
    shown.screen.row("reason", "superseded")?;
    shown.screen.row("listed", &crl)?;
    Ok(())
}

/// The serial number of a certificate that the CA's list has, as openssl and REST v2 write it but for the case of its digits.
async fn listed(http: &reqwest::Client, url: &str, chain: &Chain) -> anyhow::Result<String> {
    let [leaf, issuer, ..] = chain.certificates.as_slice() else {
        bail!("the certificate came without its issuer");
    };
    let answer = http.get(url).send().await?.error_for_status()?;
    let crl = Crl::from_der(answer.bytes().await?)?;
    crl.verify_signed_by(issuer.public_key())?;
    if !crl.revoked().any(|entry| entry.serial == leaf.serial()) {
        bail!("the certificate is not in it");
    }
    let serial = leaf.serial();
    Ok(hex::encode(serial.strip_prefix(&[0]).unwrap_or(serial)))
}

struct Shown<'a, 'b> {
    folder: &'a Folder,
    screen: &'a mut Screen<'b>,
}

impl Shown<'_, '_> {
    /// Does one step and shows its certificate, which goes to `certs/` with its key.
    async fn step(
        &mut self,
        heading: &str,
        file: &str,
        doing: impl Future<Output = anyhow::Result<Got>>,
    ) -> anyhow::Result<Got> {
        self.screen.heading(heading)?;
        let begun = Instant::now();
        let got = doing
            .await
            .with_context(|| format!("step {heading:?} failed"))?;
        let took = begun.elapsed();
        show::certificate(self.screen, &got.chain)?;
        if let Some(remark) = &got.remark {
            self.screen.row("note", remark)?;
        }
        let (key, chain) = (format!("certs/{file}.key"), format!("certs/{file}.crt"));
        let roots = format!("certs/{file}-roots.crt");
        let pem = |list: &[Certificate]| list.iter().map(Certificate::to_pem).collect::<String>();
        self.folder.write_secret(&key, &got.key.to_pkcs8_pem()?)?;
        self.folder.write(&chain, &pem(&got.chain.certificates))?;
        self.folder.write(&roots, &pem(&got.chain.anchors))?;
        self.screen
            .row("files", &format!("{chain}, {key}, {roots}"))?;
        self.screen.row(
            "took",
            &format!("{} ms, key and checks included", took.as_millis()),
        )?;
        Ok(got)
    }
}
