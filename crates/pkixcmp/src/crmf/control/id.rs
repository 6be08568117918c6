//! The object identifiers of controls, `id-regCtrl`, and of regInfo, `id-regInfo` (RFC 4211 appendix B, RFC 9810 appendix F).

use der::asn1::ObjectIdentifier;

macro_rules! attributes {
    ($($number:literal $constant:ident $name:literal;)+) => {
        $(
            #[doc = concat!("id-pkip ", $number, ": ", $name, ".")]
            pub const $constant: ObjectIdentifier = ObjectIdentifier::new_unwrap(concat!("1.3.6.1.5.5.7.5.", $number));
        )+

        /// The name of a control in the ASN.1 module; `None` for one that is not known here.
        #[must_use]
        pub fn name(attribute_type: &ObjectIdentifier) -> Option<&'static str> {
            $(if *attribute_type == $constant {
                return Some($name);
            })+
            None
        }
    };
}

attributes! {
    "1.1" REG_TOKEN "regToken";
    "1.2" AUTHENTICATOR "authenticator";
    "1.3" PKI_PUBLICATION_INFO "pkiPublicationInfo";
    "1.4" PKI_ARCHIVE_OPTIONS "pkiArchiveOptions";
    "1.5" OLD_CERT_ID "oldCertID";
    "1.6" PROTOCOL_ENCR_KEY "protocolEncrKey";
    "1.7" ALT_CERT_TEMPLATE "altCertTemplate";
    "1.11" ALG_ID "algId";
    "1.12" RSA_KEY_LEN "rsaKeyLen";
    "2.1" UTF8_PAIRS "utf8Pairs";
    "2.2" CERT_REQ "certReq";
}
