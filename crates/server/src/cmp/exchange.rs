//! [`Exchange`]: what the front needs to go on with a transaction, sealed into its row.
//!
//! The row is written once, before the first answer, and again with the client's last word; in between nothing of the front changes. So our
//! nonces are not kept but computed: from a seed in the row and the message they answer. The same message gets the same nonce, on every
//! replica and after a restart, and a nonce that comes back shows by itself whether it is one of this transaction and what kind of answer
//! bore it.

use bytes::Bytes;
use pkixcmp::PkiMessage;
use pkixcmp::server::{Fault, ServerTransaction};
use pkixcmp::transaction::Nonce;
use ra::Sealed;
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;

/// What kind of answer a nonce was sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// There is nothing to wait for any more.
    Final = 1,
    /// Ask again.
    Wait = 2,
}

/// The front's side of one transaction.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Exchange {
    seed: [u8; 32],
    /// As opened by the first message, or as the client's last word left it.
    pub(super) transaction: ServerTransaction,
}

/// A row's front state is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row holds no CMP exchange that this version can read")]
pub(super) struct Unreadable;

impl Exchange {
    /// The exchange that `first` begins; `seed` is random.
    pub(super) fn begin(first: &PkiMessage, seed: [u8; 32]) -> Result<Self, Fault> {
        Ok(Self {
            seed,
            transaction: ServerTransaction::open(first)?,
        })
    }

    /// The exchange of a row, seen from its first message again.
    pub(super) fn reopened(&self, first: &PkiMessage) -> Result<Self, Fault> {
        Self::begin(first, self.seed)
    }

    pub(super) fn seal(&self) -> Result<Sealed, Unreadable> {
        let sealed = postcard::to_extend(self, vec![VERSION]).map_err(|_| Unreadable)?;
        Ok(Sealed(sealed.into()))
    }

    pub(super) fn unseal(sealed: &Sealed) -> Result<Self, Unreadable> {
        match sealed.0.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|_| Unreadable),
            _ => Err(Unreadable),
        }
    }

    /// The senderNonce of the answer to `message`.
    pub(super) fn nonce(&self, said: Said, message: &PkiMessage) -> Nonce {
        let digest = pki::digest::sha256(message.der());
        let mut nonce = [0; 16];
        let (half, tag) = nonce.split_at_mut(8);
        half.copy_from_slice(&self.derived(b'n', said, &digest));
        tag.copy_from_slice(&self.derived(b't', said, half));
        Nonce(nonce)
    }

    /// The recipNonce of `message`, if it came with an answer of this transaction of that kind.
    pub(super) fn returned(&self, said: Said, message: &PkiMessage) -> Option<Nonce> {
        let nonce = message.header().recip_nonce.as_ref()?;
        let nonce = <[u8; 16]>::try_from(nonce.as_bytes()).ok()?;
        let (half, tag) = nonce.split_at(8);
        (self.derived(b't', said, half) == tag).then_some(Nonce(nonce))
    }

    fn derived(&self, purpose: u8, said: Said, input: &[u8]) -> [u8; 8] {
        // The lengths of all inputs are fixed and only a part of the digest is shown.
        let text = [&self.seed[..], &[purpose, said as u8], input].concat();
        let digest = pki::digest::sha256(&text);
        let mut part = [0; 8];
        part.copy_from_slice(&digest[..8]);
        part
    }
}

/// A nonce that belongs to no transaction of ours.
pub(super) fn random_nonce() -> Result<Nonce, pki::random::NoRandomness> {
    pki::random::bytes().map(Nonce)
}

/// SHA-256 of a message: what makes it this message.
pub(super) fn fingerprint(message: &PkiMessage) -> [u8; 32] {
    pki::digest::sha256(message.der())
}

/// The transactionID as it came; nothing when there is none.
pub(super) fn transaction_id(message: &PkiMessage) -> Bytes {
    let id = message.header().transaction_id.as_ref();
    id.map(|id| Bytes::copy_from_slice(id.as_bytes()))
        .unwrap_or_default()
}
