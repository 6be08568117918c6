//! Messages protected by a MAC over a shared secret.

use std::sync::Arc;

use pkixcmp::PkiMessage;
use pkixcmp::protection::{
    KeyCache, MacKey, MacPolicy, MacScheme, MacSecret, ProtectionError, verify_mac,
};
use ra::{Label, Requester, SharedSecret};
use tokio::sync::Semaphore;

use super::call::Call;
use super::protect::Reply;
use super::sender::{Authenticated, Unauthenticated};
use crate::Site;

/// Up to here a derivation takes less than a millisecond and is done where it is.
const QUICK: u32 = 5_000;
/// How many long derivations may wait for a core; one more is turned away.
const QUEUE: usize = 64;

/// How much of the machine may be spent on deriving keys for strangers, and the keys that proved right.
pub(super) struct Derivations {
    keys: Arc<KeyCache>,
    queue: Semaphore,
    cores: Semaphore,
}

impl Default for Derivations {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            keys: Arc::new(KeyCache::default()),
            queue: Semaphore::new(QUEUE),
            cores: Semaphore::new(cores),
        }
    }
}

impl Derivations {
    async fn verify(
        &self,
        message: &PkiMessage,
        secret: MacSecret,
        policy: &MacPolicy,
        scheme: &MacScheme,
    ) -> Result<MacKey, Unauthenticated> {
        if iterations(scheme) <= QUICK {
            return Ok(verify_mac(message, &secret, policy, &self.keys)?);
        }
        let _place = self
            .queue
            .try_acquire()
            .map_err(|_| Unauthenticated::busy())?;
        let _core = self
            .cores
            .acquire()
            .await
            .map_err(Unauthenticated::failure)?;
        let (message, policy, keys) = (message.clone(), policy.clone(), Arc::clone(&self.keys));
        let verified =
            tokio::task::spawn_blocking(move || verify_mac(&message, &secret, &policy, &keys));
        Ok(verified.await.map_err(Unauthenticated::failure)??)
    }
}

pub(super) async fn authenticate(call: &Call<'_>) -> Result<Authenticated, Unauthenticated> {
    let algorithm = call.message.header().protection_alg.as_ref();
    let algorithm = algorithm.ok_or(ProtectionError::Unprotected)?;
    // Before anything is looked up or computed: no number of a stranger's costs us more than reading it.
    let scheme = MacScheme::from_algorithm(algorithm)?;
    call.settings.mac.admit(&scheme)?;
    let known = secret(call.site, call.label, call.message).await?;
    let (who, secret) = match known {
        Some((who, secret)) => (Some(who), MacSecret::new(secret.expose())),
        // The same work for a reference that nobody has: the time taken must not tell.
        None => {
            let random: [u8; 32] = pki::random::bytes().map_err(Unauthenticated::failure)?;
            (None, MacSecret::new(random))
        }
    };
    let verified = call
        .front
        .derivations
        .verify(call.message, secret, &call.settings.mac, &scheme)
        .await;
    match (verified, who) {
        (Ok(key), Some(who)) => Ok(Authenticated {
            who,
            reply: Reply::Mac(Box::new(key)),
        }),
        (Err(refused), Some(_)) => Err(refused),
        (Ok(_), None) => Err(Unauthenticated::mismatch("the reference is not known")),
        (Err(refused), None) => Err(Unauthenticated {
            why: "the reference is not known".to_owned(),
            ..refused
        }),
    }
}

/// The secret a message refers to under a label, if there is one. The reference is the senderKID (RFC 9483 section 3.1), never a name.
pub(super) async fn secret(
    site: &Site,
    label: &Label,
    message: &PkiMessage,
) -> Result<Option<(Requester, SharedSecret)>, ra::JournalError> {
    match &message.header().sender_kid {
        Some(reference) => site.credentials.secret(label, reference.as_bytes()).await,
        None => Ok(None),
    }
}

fn iterations(scheme: &MacScheme) -> u32 {
    match scheme {
        MacScheme::Pbm(pbm) => pbm.iterations,
        MacScheme::Pbmac1(pbmac1) => pbmac1.iterations,
    }
}
