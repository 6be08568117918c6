//! Random bytes from the system's generator (AWS-LC's DRBG, seeded by the operating system).

use thiserror::Error;

/// The operating system gave no randomness; nothing secret may be made now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("the system's random number generator failed; nothing was made")]
pub struct NoRandomness;

/// Fill `buffer` with random bytes.
pub fn fill(buffer: &mut [u8]) -> Result<(), NoRandomness> {
    aws_lc_rs::rand::fill(buffer).map_err(|_| NoRandomness)
}

/// `N` random bytes: nonces, transaction IDs, salts, serial numbers.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(bytes::<16>().unwrap(), bytes::<16>().unwrap());
    }
}
