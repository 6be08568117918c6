//! [`InfoTypeAndValue`]: the entries of generalInfo, genm and genp (RFC 9810 section 5.3.19).

use der::Sequence;
use der::asn1::{Any, ObjectIdentifier};

use crate::limits;
use crate::list::List;

/// GeneralInfo and GenMsgContent: a bounded list of entries.
pub type Infos = List<InfoTypeAndValue, { limits::INFOS }>;

/// One piece of information: its type and, with most types, a value.
///
/// The value is kept as it came, also for types nobody here knows; absent and NULL are different and both kept.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct InfoTypeAndValue {
    /// What kind of information.
    pub info_type: ObjectIdentifier,
    /// The value, uninterpreted.
    pub info_value: Option<Any>,
}
