//! The object identifiers of information types, `id-it` (RFC 9810 appendix F).

use der::asn1::ObjectIdentifier;

macro_rules! info_types {
    ($($number:literal $constant:ident $name:literal;)+) => {
        $(
            #[doc = concat!("id-it ", $number, ": ", $name, ".")]
            pub const $constant: ObjectIdentifier = ObjectIdentifier::new_unwrap(concat!("1.3.6.1.5.5.7.4.", $number));
        )+

        /// The name of an information type in the ASN.1 module; `None` for one that is not known here.
        #[must_use]
        pub fn name(info_type: &ObjectIdentifier) -> Option<&'static str> {
            $(if *info_type == $constant {
                return Some($name);
            })+
            None
        }
    };
}

info_types! {
    "1" CA_PROT_ENC_CERT "caProtEncCert";
    "2" SIGN_KEY_PAIR_TYPES "signKeyPairTypes";
    "3" ENC_KEY_PAIR_TYPES "encKeyPairTypes";
    "4" PREFERRED_SYMM_ALG "preferredSymmAlg";
    "5" CA_KEY_UPDATE_INFO "caKeyUpdateInfo";
    "6" CURRENT_CRL "currentCRL";
    "7" UNSUPPORTED_OIDS "unsupportedOIDs";
    "10" KEY_PAIR_PARAM_REQ "keyPairParamReq";
    "11" KEY_PAIR_PARAM_REP "keyPairParamRep";
    "12" REV_PASSPHRASE "revPassphrase";
    "13" IMPLICIT_CONFIRM "implicitConfirm";
    "14" CONFIRM_WAIT_TIME "confirmWaitTime";
    "15" ORIG_PKI_MESSAGE "origPKIMessage";
    "16" SUPP_LANG_TAGS "suppLangTags";
    "17" CA_CERTS "caCerts";
    "18" ROOT_CA_KEY_UPDATE "rootCaKeyUpdate";
    "19" CERT_REQ_TEMPLATE "certReqTemplate";
    "20" ROOT_CA_CERT "rootCaCert";
    "21" CERT_PROFILE "certProfile";
    "22" CRL_STATUS_LIST "crlStatusList";
    "23" CRLS "crls";
    "24" KEM_CIPHERTEXT_INFO "KemCiphertextInfo";
}
