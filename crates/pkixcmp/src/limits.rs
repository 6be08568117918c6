//! How much a peer may send: every list in a message has one of these bounds, checked while it is read.
//!
//! They are far above what any profile needs and far below what would hurt; RFC 9483 allows one request in a message.

/// Octets of one PKIMessage that [`crate::PkiMessage::decode`] accepts; certificates with post-quantum keys fit.
pub const MESSAGE: usize = 1024 * 1024;
/// Octets of header, body and certificates of a message that [`crate::Unprotected`] makes; a nested one holds several others.
pub const SENT: usize = 16 * MESSAGE;
/// Requests, responses, confirmations or revocations in one message.
pub const REQUESTS: usize = 64;
/// Certificates in extraCerts, caPubs or another list of certificates.
pub const CERTIFICATES: usize = 128;
/// InfoTypeAndValue entries in generalInfo, genm or genp.
pub const INFOS: usize = 64;
/// Texts in freeText, statusString, errorDetails or a pollRep's reason.
pub const TEXTS: usize = 32;
/// Controls or regInfo entries of one request.
pub const CONTROLS: usize = 32;
/// Extensions of one template or revocation.
pub const EXTENSIONS: usize = 64;
/// CRLs in one message.
pub const CRLS: usize = 64;
/// Messages in one nested message.
pub const NESTED: usize = 64;
