//! The shared secret of a MAC.

use std::sync::Arc;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

/// A secret that two parties share, as octets (a passphrase is its UTF-8). Cheap to clone; wiped when the last clone goes; has no `Debug`.
#[derive(Clone)]
pub struct MacSecret(Arc<Inner>);

struct Inner {
    octets: Zeroizing<Vec<u8>>,
    digest: SecretDigest,
}

/// What a [`super::KeyCache`] knows a secret by. As good as the secret for guessing it, so wiped like it.
pub(super) type SecretDigest = Zeroizing<[u8; 32]>;

impl MacSecret {
    /// Takes over the octets; a copy the caller keeps is the caller's to wipe.
    #[must_use]
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        let octets = Zeroizing::new(octets.into());
        let mut digest = Zeroizing::new([0; 32]);
        digest.copy_from_slice(digest::digest(&digest::SHA256, &octets).as_ref());
        Self(Arc::new(Inner { octets, digest }))
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0.octets
    }

    pub(super) fn digest(&self) -> &SecretDigest {
        &self.0.digest
    }
}
