//! error: the request cannot be answered as asked (RFC 9810 section 5.3.21).

use der::Sequence;
use der::asn1::Int;

use crate::list::FreeText;
use crate::status::PkiStatusInfo;

/// ErrorMsgContent. With the status `waiting` it starts polling (RFC 9483 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct ErrorMsgContent {
    /// What went wrong.
    pub pki_status_info: PkiStatusInfo,
    /// A number of the implementation's own.
    #[asn1(optional = "true")]
    pub error_code: Option<Int>,
    /// Words of the implementation's own.
    #[asn1(optional = "true")]
    pub error_details: Option<FreeText>,
}

impl From<PkiStatusInfo> for ErrorMsgContent {
    fn from(pki_status_info: PkiStatusInfo) -> Self {
        Self {
            pki_status_info,
            error_code: None,
            error_details: None,
        }
    }
}
