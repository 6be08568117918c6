use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use pki::crl::{self, CrlError, CrlParameters, RevocationReason, Revoked};
use ra::CrlEntry;
use tokio::sync::Mutex;

use super::CaParts;

/// The last CRL, for as long as it says what the journal says.
#[derive(Default)]
pub(super) struct CrlCache {
    // Held while signing, so that many who ask at once cause one signature.
    last: Mutex<Option<Made>>,
}

struct Made {
    der: Bytes,
    revoked: Vec<CrlEntry>,
    at: Timestamp,
    number: u64,
}

impl CrlCache {
    /// A CRL with exactly `revoked`, less than half of `life` old.
    pub(super) async fn current(
        &self,
        parts: &CaParts,
        revoked: Vec<CrlEntry>,
        life: SignedDuration,
        now: Timestamp,
    ) -> Result<Bytes, CrlError> {
        let mut last = self.last.lock().await;
        if let Some(made) = last.as_ref()
            && made.revoked == revoked
            && now >= made.at
            && now.duration_since(made.at) < life / 2
        {
            return Ok(made.der.clone());
        }
        let number = next_number(last.as_ref().map(|made| made.number), now);
        let der = sign(parts, &revoked, number, life, now).await?;
        *last = Some(Made {
            der: der.clone(),
            revoked,
            at: now,
            number,
        });
        Ok(der)
    }
}

/// Milliseconds since 1970, so that numbers grow over restarts and among replicas (RFC 5280 section 5.2.3), and one more
/// than the last where the clock has not moved on.
fn next_number(last: Option<u64>, now: Timestamp) -> u64 {
    let by_clock = u64::try_from(now.as_millisecond()).unwrap_or_default();
    last.map_or(by_clock, |last| by_clock.max(last.saturating_add(1)))
}

async fn sign(
    parts: &CaParts,
    revoked: &[CrlEntry],
    number: u64,
    life: SignedDuration,
    now: Timestamp,
) -> Result<Bytes, CrlError> {
    let Some(issuer) = parts.chain.first() else {
        return Ok(Bytes::new());
    };
    let key_id = issuer
        .subject_key_id()
        .map_or_else(|| issuer.public_key().key_id().to_vec(), <[u8]>::to_vec);
    let parameters = CrlParameters {
        issuer: issuer.subject().clone(),
        authority_key_id: key_id.into(),
        number,
        this_update: now,
        next_update: now.saturating_add(life).unwrap_or(Timestamp::MAX),
        revoked: entries(revoked),
    };
    Ok(crl::build(&parameters, parts.signer.as_ref())
        .await?
        .der()
        .clone())
}

/// One entry per certificate: the first revocation counts.
fn entries(revoked: &[CrlEntry]) -> Vec<Revoked> {
    let mut seen = std::collections::HashSet::new();
    let fresh = revoked.iter().filter(|entry| seen.insert(&entry.of));
    fresh
        .map(|entry| Revoked {
            serial: entry.of.serial.clone(),
            at: entry.at,
            reason: RevocationReason::from_code(entry.reason)
                .unwrap_or(RevocationReason::Unspecified),
        })
        .collect()
}
