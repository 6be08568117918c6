//! pollReq and pollRep: asking again, later (RFC 9810 section 5.3.22).

use der::Sequence;
use der::asn1::Int;

use crate::cert_id::CertReqId;
use crate::limits;
use crate::list::{FreeText, List};

/// PollReqContent.
pub type PollReqContent = List<PollReq, { limits::REQUESTS }>;

/// PollRepContent.
pub type PollRepContent = List<PollRep, { limits::REQUESTS }>;

/// The request asked about.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PollReq {
    /// Its certReqId; [`CertReqId::NONE`] when an error message started the waiting.
    pub cert_req_id: CertReqId,
}

/// When to ask about a request again.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PollRep {
    /// The request.
    pub cert_req_id: CertReqId,
    /// Seconds to wait, any INTEGER the peer writes; [`Self::check_after_seconds`] has it as a number.
    pub check_after: Int,
    /// Why it takes so long.
    #[asn1(optional = "true")]
    pub reason: Option<FreeText>,
}

impl PollRep {
    /// The seconds to wait; `None` when the number is negative or past 64 bits. How long to wait at most is the caller's to bound.
    #[must_use]
    pub fn check_after_seconds(&self) -> Option<u64> {
        let octets = self.check_after.as_bytes();
        let significant = octets.strip_prefix(&[0]).unwrap_or(octets);
        if octets.first().is_some_and(|first| first & 0x80 != 0) || significant.len() > 8 {
            return None;
        }
        Some(
            significant
                .iter()
                .fold(0, |number, octet| number << 8 | u64::from(*octet)),
        )
    }
}
