use ra::SentAs;

use super::config::{FirstRequest, Takes};

/// Everything the form of a request for a certificate depends on. docs/ISSUANCE.md has the whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Situation {
    /// What the requester gave to prove that it has the private key.
    pub(crate) proof: Given,
    /// Whether policy asks the CA for something else than the requester signed.
    pub(crate) changed: bool,
    /// Whether an old certificate is to be replaced.
    pub(crate) renewal: Renewal,
    /// What the CA takes.
    pub(crate) takes: Takes,
    /// How a first request is put.
    pub(crate) first: FirstRequest,
}

/// What the requester gave to prove that it has the private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// The key, for this call.
    Key,
    /// A PKCS#10 request.
    Csr,
    /// A CRMF request.
    CertReqMsg,
    /// A signature that is in neither form any more, or an RA's word.
    Word,
    /// Nothing before the certificate is there.
    Later,
}

/// Whether an old certificate is to be replaced, and by whose right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// None is.
    No,
    /// One with the same subject and alternative names; its key was lent for this call.
    ByItsKey,
    /// One with the same subject and alternative names; only we know that its holder agrees.
    OnBehalf,
    /// One with other names: to the CA this is one more certificate (certservice-compat 2.6).
    OtherNames,
}

/// Which body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Ir,
    Cr,
    Kur,
    P10cr,
}

/// The proof-of-possession in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pop {
    /// Made now, with the key lent.
    Signed,
    /// The requester's own, on its own octets.
    Original,
    /// Our word for it.
    RaVerified,
}

/// Whose protection the message bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protected {
    /// The one configured for this CA.
    ByUs,
    /// A signature with the key of the old certificate.
    ByOldKey,
}

/// The form of one request for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) body: Body,
    pub(crate) pop: Pop,
    pub(crate) protected: Protected,
}

/// Why there is no form for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoForm {
    #[error(
        "policy has to change what was asked for, and the CA takes neither a changed request nor our word that the key was \
         checked: ask for exactly what the profile allows"
    )]
    CannotChange,
    #[error("the CA does not take our word that the key was checked, and nothing else was given")]
    WordNotTaken,
    #[error("the CA takes no PKCS#10 requests and no word of ours that the key was checked")]
    NoPkcs10,
    #[error(
        "this CA cannot be asked for an encrypted certificate: prove possession of the key with the request"
    )]
    Later,
}

/// Decides how a CA is asked for a certificate.
pub(crate) fn form(situation: Situation) -> Result<Form, NoForm> {
    let Situation {
        proof,
        changed,
        renewal,
        takes,
        first,
    } = situation;
    let ours = |body, pop| {
        Ok(Form {
            body,
            pop,
            protected: Protected::ByUs,
        })
    };
    let crmf = match (renewal, first) {
        (Renewal::No, FirstRequest::Initialization) => Body::Ir,
        (Renewal::ByItsKey | Renewal::OnBehalf, _) if takes.kur_on_behalf => Body::Kur,
        _ => Body::Cr,
    };
    match (proof, changed) {
        (Given::Key, _) if renewal == Renewal::ByItsKey => Ok(Form {
            body: Body::Kur,
            pop: Pop::Signed,
            protected: Protected::ByOldKey,
        }),
        (Given::Key, _) => ours(crmf, Pop::Signed),
        (Given::CertReqMsg, false) => ours(crmf, Pop::Original),
        (Given::CertReqMsg, true) if takes.ra_verified => ours(crmf, Pop::RaVerified),
        (Given::CertReqMsg, true) => Err(NoForm::CannotChange),
        // A kur has no place for a PKCS#10; where our word is taken it can still be one.
        (Given::Csr, false) if crmf == Body::Kur && takes.ra_verified => {
            ours(Body::Kur, Pop::RaVerified)
        }
        (Given::Csr, false) if takes.p10cr => ours(Body::P10cr, Pop::Original),
        (Given::Csr, _) if takes.ra_verified => ours(crmf, Pop::RaVerified),
        (Given::Csr, true) => Err(NoForm::CannotChange),
        (Given::Csr, false) => Err(NoForm::NoPkcs10),
        (Given::Word, _) if takes.ra_verified => ours(crmf, Pop::RaVerified),
        (Given::Word, _) => Err(NoForm::WordNotTaken),
        (Given::Later, _) => Err(NoForm::Later),
    }
}

impl Body {
    pub(crate) fn sent_as(self) -> SentAs {
        match self {
            Self::Ir => SentAs::Initialization,
            Self::Cr => SentAs::Certification,
            Self::Kur => SentAs::KeyUpdate,
            Self::P10cr => SentAs::Pkcs10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Given::{CertReqMsg, Csr, Key, Later, Word};
    use Renewal::{ByItsKey, No, OnBehalf, OtherNames};

    const NOTHING: Takes = Takes {
        ra_verified: false,
        kur_on_behalf: false,
        p10cr: true,
        rr: true,
    };
    const WORD: Takes = Takes {
        ra_verified: true,
        ..NOTHING
    };
    const UPDATE: Takes = Takes {
        kur_on_behalf: true,
        ..NOTHING
    };
    const BOTH: Takes = Takes {
        ra_verified: true,
        kur_on_behalf: true,
        ..NOTHING
    };
    const NO_P10CR: Takes = Takes {
        p10cr: false,
        ..NOTHING
    };
    const ALL_TAKES: [Takes; 4] = [NOTHING, WORD, UPDATE, BOTH];

    fn ask(proof: Given, changed: bool, renewal: Renewal, takes: Takes) -> Result<Form, NoForm> {
        form(Situation {
            proof,
            changed,
            renewal,
            takes,
            first: FirstRequest::Initialization,
        })
    }

    fn ours(body: Body, pop: Pop) -> Result<Form, NoForm> {
        Ok(Form {
            body,
            pop,
            protected: Protected::ByUs,
        })
    }

    #[test]
    fn row_1_a_lent_key_signs_an_ir_changed_or_not() {
        for (changed, takes) in [false, true]
            .into_iter()
            .flat_map(|c| ALL_TAKES.map(|t| (c, t)))
        {
            assert_eq!(ask(Key, changed, No, takes), ours(Body::Ir, Pop::Signed));
        }
    }

    #[test]
    fn row_2_lent_new_and_old_keys_and_the_same_names_make_a_kur_signed_with_the_old_key() {
        for (changed, takes) in [false, true]
            .into_iter()
            .flat_map(|c| ALL_TAKES.map(|t| (c, t)))
        {
            let expected = Form {
                body: Body::Kur,
                pop: Pop::Signed,
                protected: Protected::ByOldKey,
            };
            assert_eq!(ask(Key, changed, ByItsKey, takes), Ok(expected));
        }
    }

    #[test]
    fn row_3_a_lent_key_and_other_names_make_a_cr_whatever_else_is_lent() {
        for takes in ALL_TAKES {
            assert_eq!(
                ask(Key, false, OtherNames, takes),
                ours(Body::Cr, Pop::Signed)
            );
        }
    }

    #[test]
    fn row_4_a_lent_new_key_alone_updates_only_where_we_may_act_on_behalf() {
        assert_eq!(
            ask(Key, false, OnBehalf, NOTHING),
            ours(Body::Cr, Pop::Signed)
        );
        assert_eq!(
            ask(Key, false, OnBehalf, UPDATE),
            ours(Body::Kur, Pop::Signed)
        );
    }

    #[test]
    fn row_5_an_unchanged_csr_is_a_p10cr_for_a_first_certificate_and_for_other_names() {
        for takes in ALL_TAKES {
            assert_eq!(ask(Csr, false, No, takes), ours(Body::P10cr, Pop::Original));
            assert_eq!(
                ask(Csr, false, OtherNames, takes),
                ours(Body::P10cr, Pop::Original)
            );
        }
    }

    #[test]
    fn row_6_a_changed_csr_needs_raverified_and_is_refused_without() {
        assert_eq!(ask(Csr, true, No, WORD), ours(Body::Ir, Pop::RaVerified));
        assert_eq!(
            ask(Csr, true, OtherNames, WORD),
            ours(Body::Cr, Pop::RaVerified)
        );
        for renewal in [No, ByItsKey, OnBehalf, OtherNames] {
            assert_eq!(ask(Csr, true, renewal, NOTHING), Err(NoForm::CannotChange));
            assert_eq!(ask(Csr, true, renewal, UPDATE), Err(NoForm::CannotChange));
        }
    }

    #[test]
    fn row_7_a_csr_becomes_a_kur_only_where_both_our_word_and_acting_on_behalf_are_taken() {
        for renewal in [OnBehalf, ByItsKey] {
            for changed in [false, true] {
                assert_eq!(
                    ask(Csr, changed, renewal, BOTH),
                    ours(Body::Kur, Pop::RaVerified)
                );
            }
            assert_eq!(
                ask(Csr, false, renewal, NOTHING),
                ours(Body::P10cr, Pop::Original)
            );
            assert_eq!(
                ask(Csr, false, renewal, UPDATE),
                ours(Body::P10cr, Pop::Original)
            );
            assert_eq!(
                ask(Csr, false, renewal, WORD),
                ours(Body::P10cr, Pop::Original)
            );
            assert_eq!(
                ask(Csr, true, renewal, WORD),
                ours(Body::Cr, Pop::RaVerified)
            );
        }
    }

    #[test]
    fn row_8_a_csr_at_a_ca_without_p10cr_needs_raverified() {
        assert_eq!(ask(Csr, false, No, NO_P10CR), Err(NoForm::NoPkcs10));
        assert_eq!(
            ask(
                Csr,
                false,
                No,
                Takes {
                    ra_verified: true,
                    ..NO_P10CR
                }
            ),
            ours(Body::Ir, Pop::RaVerified)
        );
    }

    #[test]
    fn row_9_an_unchanged_crmf_request_goes_on_with_its_own_proof() {
        for takes in ALL_TAKES {
            assert_eq!(
                ask(CertReqMsg, false, No, takes),
                ours(Body::Ir, Pop::Original)
            );
            assert_eq!(
                ask(CertReqMsg, false, OtherNames, takes),
                ours(Body::Cr, Pop::Original)
            );
        }
        for renewal in [OnBehalf, ByItsKey] {
            assert_eq!(
                ask(CertReqMsg, false, renewal, NOTHING),
                ours(Body::Cr, Pop::Original)
            );
            assert_eq!(
                ask(CertReqMsg, false, renewal, UPDATE),
                ours(Body::Kur, Pop::Original)
            );
        }
    }

    #[test]
    fn row_10_a_changed_crmf_request_needs_raverified_and_is_refused_without() {
        assert_eq!(
            ask(CertReqMsg, true, No, WORD),
            ours(Body::Ir, Pop::RaVerified)
        );
        assert_eq!(
            ask(CertReqMsg, true, OnBehalf, WORD),
            ours(Body::Cr, Pop::RaVerified)
        );
        assert_eq!(
            ask(CertReqMsg, true, OnBehalf, BOTH),
            ours(Body::Kur, Pop::RaVerified)
        );
        assert_eq!(ask(CertReqMsg, true, No, UPDATE), Err(NoForm::CannotChange));
    }

    #[test]
    fn row_11_an_ras_word_is_passed_on_only_where_ours_is_taken() {
        assert_eq!(ask(Word, false, No, WORD), ours(Body::Ir, Pop::RaVerified));
        assert_eq!(
            ask(Word, false, OnBehalf, BOTH),
            ours(Body::Kur, Pop::RaVerified)
        );
        assert_eq!(
            ask(Word, true, OtherNames, WORD),
            ours(Body::Cr, Pop::RaVerified)
        );
        assert_eq!(ask(Word, false, No, UPDATE), Err(NoForm::WordNotTaken));
    }

    #[test]
    fn row_12_proof_at_confirmation_is_refused() {
        for takes in ALL_TAKES {
            assert_eq!(ask(Later, false, No, takes), Err(NoForm::Later));
        }
    }

    #[test]
    fn a_first_request_is_a_cr_where_that_is_configured() {
        let situation = Situation {
            proof: Key,
            changed: false,
            renewal: No,
            takes: NOTHING,
            first: FirstRequest::Certification,
        };
        assert_eq!(form(situation), ours(Body::Cr, Pop::Signed));
    }
}
