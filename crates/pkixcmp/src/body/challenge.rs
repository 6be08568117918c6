//! popdecc and popdecr: proof of possession of a decryption key by challenge (RFC 9810 section 5.2.8.3.3).

use der::Sequence;
use der::asn1::{Int, OctetString};
use spki::AlgorithmIdentifierOwned;

use crate::limits;
use crate::list::List;
use crate::raw::EnvelopedData;

/// POPODecKeyChallContent.
pub type Challenges = List<Challenge, { limits::REQUESTS }>;

/// POPODecKeyRespContent: the numbers found in the challenges, in their order.
pub type ChallengeResponses = List<Int, { limits::REQUESTS }>;

/// Challenge: a random number encrypted for the key in question.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct Challenge {
    /// The one-way function of `witness`; absent means as in the challenge before.
    #[asn1(optional = "true")]
    pub owf: Option<AlgorithmIdentifierOwned>,
    /// The one-way function of the random number.
    pub witness: OctetString,
    /// The random number encrypted by the old syntax; empty when `encrypted_rand` is used.
    pub challenge: OctetString,
    /// The random number encrypted as EnvelopedData; needs pvno 3.
    #[asn1(context_specific = "0", optional = "true")]
    pub encrypted_rand: Option<EnvelopedData>,
}
