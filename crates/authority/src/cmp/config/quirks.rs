use pkixcmp::PkiFailureInfo;

/// Deviations of real CAs, none tolerated unless named here (docs/ISSUANCE.md says who needs which).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// The CA gives the same answer again to the same bytes, as RFC 9483 does not ask and most do not.
    pub repeats: bool,
    /// It signs its answers to MAC-protected requests (EJBCA's default).
    pub signed_answers_to_mac: bool,
    /// It answers a signed request with a MAC over our secret.
    pub mac_answers_to_signature: bool,
    /// Which of its messages are believed without protection.
    pub unprotected_errors: UnprotectedErrors,
    /// It leaves transactionID and recipNonce out of error messages.
    pub bare_errors: bool,
    /// Its error messages may be of pvno 1.
    pub version_1_errors: bool,
    /// It answers a `p10cr` under certReqId 0 (NCM, EJBCA) where RFC 9810 section 5.3.4 wants -1.
    pub p10cr_id_zero: bool,
    /// Its `sender` may have the RDNs in another order than its certificate (EJBCA).
    pub unordered_sender: bool,
    /// It names another media type than application/pkixcmp, or none.
    pub any_media_type: bool,
    /// It derives the MAC keys of its answers with SHA-1, or signs over SHA-1, though we do not.
    pub sha1_answers: bool,
    /// What it says to a request it has seen before and will not answer again, beside transactionIdInUse.
    pub refuses_repeats_with: PkiFailureInfo,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            repeats: false,
            signed_answers_to_mac: false,
            mac_answers_to_signature: false,
            unprotected_errors: UnprotectedErrors::EndRequests,
            bare_errors: false,
            version_1_errors: false,
            p10cr_id_zero: false,
            unordered_sender: false,
            any_media_type: false,
            sha1_answers: false,
            refuses_repeats_with: PkiFailureInfo::BAD_REQUEST | PkiFailureInfo::DUPLICATE_CERT_REQ,
        }
    }
}

impl Quirks {
    /// What CertService tolerates of its CAs (EJBCA among them), as far as it is safe.
    pub fn onap() -> Self {
        Self {
            signed_answers_to_mac: true,
            mac_answers_to_signature: true,
            bare_errors: true,
            version_1_errors: true,
            p10cr_id_zero: true,
            unordered_sender: true,
            any_media_type: true,
            sha1_answers: true,
            ..Self::default()
        }
    }
}

/// Which error messages are believed without protection. Whoever can write one could also have kept the answer from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UnprotectedErrors {
    /// None: the same message is sent again.
    Ignored,
    /// One that ends a request nothing was issued for yet; it is reported as not authenticated. None that would make us
    /// forget a certificate.
    #[default]
    EndRequests,
    /// Also the one that ends a confirmation: for CAs that cannot protect what they say about a transaction they forgot.
    EndConfirmations,
}
