//! CMP and CRMF: the messages of RFC 9810 and RFC 4211, their protection, and the client and server transaction as pure state
//! machines.
//!
//! What this crate is not: it does no I/O, knows no clock and no runtime, and decides nothing about who may have a certificate.
//! Bytes come in, values come out; the caller sends, signs and waits.
//!
//! Start with [`PkiMessage`], what was received, and [`Unprotected`], what is about to be sent. [`protection`] makes and checks MACs and
//! signatures; [`client::ClientTransaction`] and [`server::ServerTransaction`] know what belongs to a transaction and what comes next.
//!
//! # What is accepted, what is sent
//!
//! Messages are read and written as DER, as RFC 9810 section 5 demands; BER (indefinite lengths, lengths not in their shortest form,
//! constructed strings) is refused with the offset where it began. Protection is a signature or a MAC over octets, so a BER message
//! normalised before the check would be checked over octets that nobody sent.
//!
//! Within DER, reading is lenient where real peers differ and nothing is lost: `pvno` is any small number, algorithm parameters may
//! be NULL or absent, GeneralizedTime may have a fraction, lists that should have an entry may be empty, unknown body tags,
//! info types and controls are carried. Each of those is kept as it came, so that encoding the parsed value gives the same octets.
//! Three things are put in order instead: zeros after the last bit of a set of named bits, a `critical` of FALSE written out, and the
//! order of attributes in one RDN. Whoever signs, hashes or forwards takes the octets received, which are always there too.
//!
//! Every list has a bound ([`limits`]), the whole message has one that the caller chooses ([`PkiMessage::decode_within`]), and
//! nested messages are not entered unless the caller decodes them.

pub mod body;
pub mod cert_hash;
pub mod cert_id;
pub mod client;
pub mod crmf;
pub mod error;
pub mod failure_info;
pub mod header;
pub mod info;
pub mod limits;
pub mod list;
pub mod message;
pub mod pop;
pub mod protection;
pub mod raw;
pub mod server;
pub mod status;
pub mod time;
mod tlv;
pub mod transaction;

pub use body::PkiBody;
pub use cert_id::{CertId, CertReqId};
pub use error::{DecodeError, EncodeError};
pub use failure_info::PkiFailureInfo;
pub use header::{PkiHeader, Pvno};
pub use info::InfoTypeAndValue;
pub use list::List;
pub use message::{PkiMessage, Unprotected};
pub use raw::CmpCertificate;
pub use status::{PkiStatus, PkiStatusInfo};
pub use time::GeneralizedTime;
