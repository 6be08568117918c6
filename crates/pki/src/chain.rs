//! From what a CA sent along with a certificate to its chain and the trust anchors.

use jiff::Timestamp;

use crate::certificate::Certificate;
use crate::path::{Path, PathError, Search, is_root, is_same_authority};

/// The most certificates that are looked at.
pub const MAX_POOL: usize = 100;

/// A certificate's chain and the trust anchors that came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The certificate and its intermediates; each next one issued the one before. The root is not in it.
    pub certificates: Vec<Certificate>,
    /// The anchor that ends the chain first, then the other trust anchors in the order they came in.
    pub anchors: Vec<Certificate>,
}

/// Why there is no chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// No path leads to a root or to a configured anchor.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The chain is good, but ends at a root that is not a configured anchor.
    #[error("the chain ends at {root}, which is not one of the configured trust anchors")]
    Untrusted {
        /// The root's name.
        root: String,
    },
    /// More certificates came along than are looked at.
    #[error("{0} certificates came along, more than the {MAX_POOL} that are looked at")]
    TooMany(usize),
}

/// Builds the chain of `leaf` from `pool`, which is what the CA sent: extraCerts, then caPubs.
///
/// An issuer is chosen by its name and by its key having made the signature, so that cross-certificates and roots with the
/// same subject are kept apart. The chain ends at a self-signed CA certificate of the pool or, if `configured` is not empty,
/// at one of the configured anchors and nowhere else; those may be roots that the CA did not send, or intermediates.
/// Where several chains are possible, one that ends at a root goes before one that ends at an intermediate, then the shortest.
///
/// The other anchors are the pool's other self-signed CA certificates; where anchors are configured, only those with the name
/// and key of a configured one, and then the configured roots that the CA did not send: whoever prepares for a change of roots
/// configures the next one before the CA knows of it. The order is that of arrival, each certificate once. Unused
/// intermediates, certificates that are not CAs, and strays are dropped.
///
/// Every certificate of the chain must be valid at `now`; the anchors' validity is not examined, but a valid one goes first.
///
/// # Errors
/// [`ChainError`]; nothing in the pool that is not used can cause one, except by its number.
pub fn assemble(
    leaf: &Certificate,
    pool: &[Certificate],
    configured: &[Certificate],
    now: Timestamp,
) -> Result<Chain, ChainError> {
    if pool.len() > MAX_POOL {
        return Err(ChainError::TooMany(pool.len()));
    }
    crate::path::check_validity(leaf, now)?;
    let mut seen = vec![leaf];
    for certificate in pool {
        // A configured certificate remembers that its signature was verified; the copy that came along does not.
        let known = configured.iter().find(|known| *known == certificate);
        let certificate = known.unwrap_or(certificate);
        if !seen.contains(&certificate) {
            seen.push(certificate);
        }
    }
    let (roots, intermediates): (Vec<_>, Vec<_>) = seen
        .into_iter()
        .skip(1)
        .partition(|certificate| is_root(certificate));

    let path = if configured.is_empty() {
        Search::new(intermediates, roots.iter().copied(), now).find(leaf)?
    } else {
        to_configured(leaf, &intermediates, &roots, configured, now)?
    };
    let is_trusted = |root: &Certificate| {
        configured.is_empty()
            || configured
                .iter()
                .any(|anchor| is_same_authority(anchor, root))
    };
    let sent = roots.into_iter().filter(|root| is_trusted(root));
    let not_sent = configured.iter().filter(|anchor| is_root(anchor));
    let mut anchors = vec![path.anchor];
    for root in sent.chain(not_sent) {
        if !anchors.contains(&root) {
            anchors.push(root);
        }
    }
    Ok(Chain {
        certificates: path.certificates.iter().copied().cloned().collect(),
        anchors: anchors.into_iter().cloned().collect(),
    })
}

fn to_configured<'a>(
    leaf: &'a Certificate,
    intermediates: &[&'a Certificate],
    roots: &[&'a Certificate],
    configured: &'a [Certificate],
    now: Timestamp,
) -> Result<Path<'a>, ChainError> {
    let (configured_roots, configured_intermediates): (Vec<_>, Vec<_>) =
        configured.iter().partition(|anchor| is_root(anchor));
    let between = intermediates
        .iter()
        .copied()
        .chain(configured_intermediates.iter().copied());
    let to_root = Search::new(between, configured_roots, now).find(leaf);
    let failure = match to_root {
        Ok(path) => return Ok(path),
        Err(failure) => failure,
    };
    let to_intermediate =
        Search::new(intermediates.iter().copied(), configured_intermediates, now).find(leaf);
    if let Ok(path) = to_intermediate {
        return Ok(path);
    }
    match Search::new(intermediates.iter().copied(), roots.iter().copied(), now).find(leaf) {
        Ok(elsewhere) => Err(ChainError::Untrusted {
            root: elsewhere.anchor.subject().to_string(),
        }),
        Err(_) => Err(failure.into()),
    }
}
