//! The crypto floor: how fast enrollments could be if nothing but the unavoidable signatures, verifications, key derivations and MACs were
//! done, on the cores that all parties share.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};

/// Rounds of the key derivation: the default of both programs.
pub const ITERATIONS: usize = 1000;
/// About the length of a CertificationRequestInfo, a CertRequest and a TBSCertificate.
const SIGNED: usize = 400;
/// About the length of header and body, request and answer averaged.
const MACED: usize = 1100;

/// How many of each operation one enrollment takes, over all parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// P-256 verifications: of the request's proof, of the issued certificate.
    pub verifications: u32,
    /// PBM derivations of [`ITERATIONS`] rounds of SHA-256.
    pub derivations: u32,
    /// P-256 signatures: the certificate.
    pub signatures: u32,
    /// HMAC-SHA256, made or checked.
    pub macs: u32,
    /// RSA-2048 verifications.
    pub rsa_verifications: u32,
    /// RSA-2048 signatures.
    pub rsa_signatures: u32,
}

/// One of each, with keys and inputs ready.
pub struct Operations {
    random: SystemRandom,
    pair: EcdsaKeyPair,
    public: ParsedPublicKey,
    signed: Vec<u8>,
    signature: Vec<u8>,
    mac_key: hmac::Key,
    maced: Vec<u8>,
    rsa: RsaKeyPair,
    rsa_public: ParsedPublicKey,
    rsa_signature: Vec<u8>,
}

/// What one operation takes on one core with the others idle.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// One P-256 verification with the key parsed.
    pub verification: Duration,
    /// One PBM derivation.
    pub derivation: Duration,
    /// One P-256 signature.
    pub signature: Duration,
    /// One HMAC-SHA256 over a message.
    pub mac: Duration,
    /// One RSA-2048 verification.
    pub rsa_verification: Duration,
    /// One RSA-2048 signature.
    pub rsa_signature: Duration,
}

impl Operations {
    /// Makes keys and inputs.
    ///
    /// # Errors
    /// When the crypto library refuses, which it has no reason to.
    pub fn new() -> Result<Self> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref())?;
        let signed = vec![0x5a; SIGNED];
        let signature = pair.sign(&random, &signed)?.as_ref().to_vec();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let rsa_public =
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key().as_ref())?;
        let mut rsa_signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(&RSA_PKCS1_SHA256, &random, &signed, &mut rsa_signature)?;
        Ok(Self {
            rsa,
            rsa_public,
            rsa_signature,
            random,
            pair,
            public,
            signed,
            signature,
            mac_key: hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]),
            maced: vec![0xa5; MACED],
        })
    }

    fn verify(&self) {
        let right = self.public.verify_sig(&self.signed, &self.signature);
        assert!(right.is_ok(), "the benchmark's own signature");
    }

    fn sign(&self) {
        let signature = self.pair.sign(&self.random, &self.signed);
        assert!(signature.is_ok(), "the benchmark's own key");
    }

    fn verify_rsa(&self) {
        let right = self
            .rsa_public
            .verify_sig(&self.signed, &self.rsa_signature);
        assert!(right.is_ok(), "the benchmark's own signature");
    }

    fn sign_rsa(&self) {
        let mut signature = vec![0; self.rsa.public_modulus_len()];
        let made = self.rsa.sign(
            &RSA_PKCS1_SHA256,
            &self.random,
            &self.signed,
            &mut signature,
        );
        assert!(made.is_ok(), "the benchmark's own key");
    }

    fn derive(&self) {
        let mut key = digest::digest(
            &digest::SHA256,
            black_box(b"secret and sixteen octets of salt"),
        );
        for _ in 1..ITERATIONS {
            key = digest::digest(&digest::SHA256, key.as_ref());
        }
        black_box(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()));
    }

    fn mac(&self) {
        black_box(hmac::sign(&self.mac_key, black_box(&self.maced)));
    }

    /// The crypto of one enrollment.
    pub fn once(&self, floor: Floor) {
        (0..floor.verifications).for_each(|_| self.verify());
        (0..floor.derivations).for_each(|_| self.derive());
        (0..floor.signatures).for_each(|_| self.sign());
        (0..floor.macs).for_each(|_| self.mac());
        (0..floor.rsa_verifications).for_each(|_| self.verify_rsa());
        (0..floor.rsa_signatures).for_each(|_| self.sign_rsa());
    }

    /// What each takes, one at a time on an otherwise idle machine.
    pub fn costs(&self) -> Costs {
        Costs {
            verification: each(|| self.verify()),
            derivation: each(|| self.derive()),
            signature: each(|| self.sign()),
            mac: each(|| self.mac()),
            rsa_verification: each(|| self.verify_rsa()),
            rsa_signature: each(|| self.sign_rsa()),
        }
    }

    /// Enrollments a second with every core at nothing else.
    ///
    /// # Errors
    /// When the number of cores is not to be known.
    pub fn rate(&self, floor: Floor) -> Result<f64> {
        let cores = std::thread::available_parallelism().context("how many cores there are")?;
        let (over, done) = (AtomicBool::new(false), AtomicU64::new(0));
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..cores.get() {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        self.once(floor);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(500));
            over.store(true, Ordering::Relaxed);
        });
        Ok(done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
    }
}

/// The fastest of five rounds of 40 ms: whatever else runs only makes it slower.
fn each(operation: impl Fn()) -> Duration {
    let round = || {
        let (start, mut count) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_millis(40) {
            operation();
            count += 1;
        }
        start.elapsed() / count
    };
    (0..5).map(|_| round()).min().unwrap_or_default()
}

impl std::fmt::Display for Floor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} verifications, {} derivations, {} signatures, {} MACs",
            self.verifications, self.derivations, self.signatures, self.macs
        )?;
        if self.rsa_verifications + self.rsa_signatures > 0 {
            let (verifications, signatures) = (self.rsa_verifications, self.rsa_signatures);
            write!(
                f,
                "; RSA-2048: {verifications} verifications, {signatures} signatures"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_work_and_take_time() {
        let operations = Operations::new().unwrap();
        let floor = Floor {
            verifications: 1,
            derivations: 1,
            signatures: 1,
            macs: 1,
            rsa_verifications: 1,
            rsa_signatures: 1,
        };
        operations.once(floor);
        assert!(operations.rate(floor).unwrap() > 0.0);
    }
}
