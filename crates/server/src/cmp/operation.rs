//! [`Operation`]: what the last segment of a CMP path says the message is (RFC 9483 section 6.1).

use pkixcmp::PkiBody;
use pkixcmp::info::{InfoTypeAndValue, id};

/// An operation of RFC 9483.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// ir.
    Initialization,
    /// cr.
    Certification,
    /// kur.
    KeyUpdate,
    /// p10cr.
    Pkcs10,
    /// rr.
    Revocation,
    /// genm caCerts.
    GetCaCerts,
    /// genm rootCaCert.
    GetRootUpdate,
    /// genm certReqTemplate.
    GetCertReqTemplate,
    /// genm crlStatusList.
    GetCrls,
    /// nested.
    Nested,
}

const NAMES: [(&str, Operation); 10] = [
    ("initialization", Operation::Initialization),
    ("certification", Operation::Certification),
    ("keyupdate", Operation::KeyUpdate),
    ("pkcs10", Operation::Pkcs10),
    ("revocation", Operation::Revocation),
    ("getcacerts", Operation::GetCaCerts),
    ("getrootupdate", Operation::GetRootUpdate),
    ("getcertreqtemplate", Operation::GetCertReqTemplate),
    ("getcrls", Operation::GetCrls),
    ("nested", Operation::Nested),
];

impl Operation {
    /// The operation of a path segment; `None` for what RFC 9483 does not name.
    #[must_use]
    pub fn parse(segment: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(name, _)| *name == segment)
            .map(|(_, operation)| *operation)
    }

    /// Whether a message with this body may come to the operation's path. What goes on with a transaction may come to any.
    #[must_use]
    pub fn takes(self, body: &PkiBody) -> bool {
        match body {
            PkiBody::CertConf(_) | PkiBody::PollReq(_) | PkiBody::Error(_) => true,
            PkiBody::Ir(_) => self == Self::Initialization,
            PkiBody::Cr(_) => self == Self::Certification,
            PkiBody::Kur(_) => self == Self::KeyUpdate,
            PkiBody::P10cr(_) => self == Self::Pkcs10,
            PkiBody::Rr(_) => self == Self::Revocation,
            PkiBody::Nested(_) => self == Self::Nested,
            PkiBody::Genm(infos) => {
                !infos.is_empty() && infos.iter().all(|info| self.asks_for(info))
            }
            _ => false,
        }
    }

    fn asks_for(self, info: &InfoTypeAndValue) -> bool {
        let wanted = match self {
            Self::GetCaCerts => id::CA_CERTS,
            Self::GetRootUpdate => id::ROOT_CA_CERT,
            Self::GetCertReqTemplate => id::CERT_REQ_TEMPLATE,
            Self::GetCrls => id::CRL_STATUS_LIST,
            _ => return false,
        };
        info.info_type == wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_takes_its_own_body_and_no_other() {
        let cr = PkiBody::Cr(Vec::new().into());
        assert!(Operation::Certification.takes(&cr));
        assert!(!Operation::Initialization.takes(&cr));
        assert!(!Operation::GetCaCerts.takes(&cr));
    }

    #[test]
    fn getcacerts_takes_the_question_for_ca_certificates_only() {
        let asks = |info_type| PkiBody::Genm([InfoTypeAndValue::bare(info_type)].into());
        assert!(Operation::GetCaCerts.takes(&asks(id::CA_CERTS)));
        assert!(!Operation::GetCaCerts.takes(&asks(id::CURRENT_CRL)));
    }

    #[test]
    fn a_running_transaction_may_go_on_at_any_operation() {
        let poll = PkiBody::PollReq(Vec::new().into());
        assert!(Operation::Revocation.takes(&poll));
    }

    #[test]
    fn names_are_those_of_rfc_9483_and_nothing_else() {
        assert_eq!(Operation::parse("keyupdate"), Some(Operation::KeyUpdate));
        assert_eq!(Operation::parse("KeyUpdate"), None);
        assert_eq!(Operation::parse("p"), None);
    }
}
