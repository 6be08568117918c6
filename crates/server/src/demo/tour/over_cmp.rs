//! CMP: ir, ip, certConf and pkiConf over HTTP.

use std::sync::Arc;

use anyhow::{Context, bail};
use authority::cmp::CmpAuthority;
use jiff::Timestamp;
use pki::{Certificate, KeyKind, PrivateKey};
use ra::{
    Approved, Authority, By, ConfirmedBy, CredentialId, EnrollRequest, Key, Label, Order, Progress,
    Proof, Sealed, Verdict,
};

use super::super::{LABEL, material};
use super::Got;

/// A whole transaction, explicitly confirmed.
pub(super) async fn enroll(device: &CmpAuthority, root: &Certificate) -> anyhow::Result<Got> {
    let key = PrivateKey::generate(KeyKind::P256)?;
    let wanted = material::template(&key, "O=Certway Demo,CN=cmp", "dns:cmp.demo.example")?;
    let approved = Approved {
        template: wanted.clone(),
        changed: false,
        authority: device.config().name.clone(),
    };
    let request = EnrollRequest {
        key: Key {
            scope: CredentialId::new("demo"),
            value: pki::random::bytes::<16>()?.to_vec().into(),
            replay_for: None,
        },
        fingerprint: [0; 32],
        label: Label::new(LABEL),
        profile: None,
        wanted,
        lifetime: None,
        proof: Proof::Lent(Arc::new(key.clone())),
        original: None,
        replaces: None,
        confirmed_by: ConfirmedBy::Ra,
        front: Sealed::default(),
        correlation: None,
    };
    let now = Timestamp::now();
    let order = Order::Enroll {
        request: &request,
        approved: &approved,
    };
    let state = device.prepare(order, now).await?;
    let asked = device.advance(&state, By::Ra, now).await?;
    let answer = match asked.progress {
        Progress::Issued(answer) => answer,
        Progress::Rejected(why) => bail!("rejected: {why}"),
        Progress::Waiting { .. } | Progress::Done => bail!("no certificate came at once"),
    };
    let mut others = answer.pool.clone();
    others.extend(answer.ca_pubs.iter().cloned());
    others.push(root.clone());
    let mut got = Got::checked(key, &answer.leaf, &others, now)?;
    got.remark = Some("ir, ip, certConf, pkiConf, protected by a MAC".to_owned());
    if !answer.must_confirm {
        bail!("implicit confirmation, which nobody asked for");
    }
    let verdict = Verdict::Accept { original: None };
    let confirmed = device.confirm(&asked.state, &answer, &verdict, By::Ra, now);
    match confirmed
        .await
        .context("it could not be confirmed")?
        .progress
    {
        Progress::Done => Ok(got),
        other => bail!("the confirmation was answered by {other:?}"),
    }
}
