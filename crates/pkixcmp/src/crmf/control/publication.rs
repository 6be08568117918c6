//! What a requester wants to be done with its certificate and its key besides issuing (RFC 4211 sections 6.3 and 6.4).

use der::asn1::OctetString;
use der::{Choice, Sequence};
use pki::GeneralName;

use crate::crmf::encrypted::EncryptedKey;
use crate::limits;
use crate::list::List;

/// PKIPublicationInfo.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct PkiPublicationInfo {
    /// 0 dontPublish, 1 pleasePublish.
    pub action: u8,
    /// Where.
    #[asn1(optional = "true")]
    pub pub_infos: Option<List<SinglePubInfo, { limits::CONTROLS }>>,
}

/// SinglePubInfo.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct SinglePubInfo {
    /// 0 dontCare, 1 x500, 2 web, 3 ldap.
    pub pub_method: u8,
    /// The place.
    #[asn1(optional = "true")]
    pub pub_location: Option<GeneralName>,
}

/// PKIArchiveOptions.
#[derive(Clone, Debug, PartialEq, Eq, Choice)]
#[allow(clippy::large_enum_variant, reason = "at most one per request")]
pub enum PkiArchiveOptions {
    /// The private key to be archived.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    EncryptedPrivKey(EncryptedKey),
    /// What is needed to make the key again.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT")]
    KeyGenParameters(OctetString),
    /// Whether a key made by the CA is to be archived.
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    ArchiveRemGenPrivKey(bool),
}
