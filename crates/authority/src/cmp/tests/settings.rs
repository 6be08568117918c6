use pkixcmp::transaction::TransactionId;

use super::*;

fn refused(config: CmpConfig) -> CmpConfigError {
    match CmpAuthority::new(config) {
        Err(error) => error,
        Ok(_) => panic!("taken"),
    }
}

fn signature(chain: Vec<Certificate>) -> Protection {
    Protection::Signature(RaIdentity {
        signer: key(),
        chain,
    })
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_the_start() {
    let ca = Ca::start().await;
    let base = || config(&ca);
    let anchors = |anchors| AnswerTrust::Anchors {
        anchors,
        signer: SignerRule::CaOrCmcCa,
    };
    let mac = |form| {
        Protection::Mac(MacIdentity {
            reference: Bytes::new(),
            secret: MacSecret::new(SECRET),
            form,
            salt: SaltLife::default(),
        })
    };
    let many = MacForm::Pbmac1 {
        prf: pkixcmp::protection::Hmac::Sha256,
        mac: pkixcmp::protection::Hmac::Sha256,
        iterations: 100_001,
    };
    assert!(matches!(
        refused(CmpConfig {
            protection: mac(many),
            ..base()
        }),
        CmpConfigError::Mac(_)
    ));
    assert!(matches!(
        refused(CmpConfig {
            protection: signature(vec![]),
            ..base()
        }),
        CmpConfigError::NoCertificate
    ));
    assert!(matches!(
        refused(CmpConfig {
            protection: signature(vec![ca.certificate.clone()]),
            ..base()
        }),
        CmpConfigError::OtherKey(_)
    ));
    let own = RaIdentity {
        signer: ca.key.clone(),
        chain: vec![ca.certificate.clone()],
    };
    assert!(matches!(
        refused(CmpConfig {
            protection: Protection::Signature(own),
            ..base()
        }),
        CmpConfigError::NothingBelieved
    ));
    assert!(matches!(
        refused(CmpConfig {
            trust: anchors(vec![]),
            ..base()
        }),
        CmpConfigError::NoAnchor
    ));
    assert!(matches!(
        refused(CmpConfig {
            trust: AnswerTrust::IssuerDn,
            ..base()
        }),
        CmpConfigError::NoRecipient(_)
    ));
    assert!(matches!(
        refused(CmpConfig {
            dialect: Dialect::Onap,
            ..base()
        }),
        CmpConfigError::NoRecipient(_)
    ));
    assert!(matches!(
        refused(CmpConfig {
            confirmation: Confirmation::Implicit,
            ..base()
        }),
        CmpConfigError::ImplicitWithoutRepeats
    ));
    CmpAuthority::new(onap(&ca)).unwrap();
}

#[tokio::test]
async fn no_secret_is_in_any_debug_text() {
    let ca = Ca::start().await;
    let text = format!("{:?}", config(&ca).protection);
    assert!(
        !text.contains("correct") && !text.contains("horse"),
        "{text}"
    );
}

#[tokio::test]
async fn a_salt_is_kept_through_a_transaction_or_for_an_hour() {
    use jiff::SignedDuration;
    let ca = Ca::start().await;
    let salts = async |life: SaltLife, transactions: [u8; 2], after: SignedDuration| {
        let mut config = config(&ca);
        if let Protection::Mac(identity) = &mut config.protection {
            identity.salt = life;
        }
        let authority = authority(config);
        let [first, second] = transactions.map(|octet| TransactionId([octet; 16]));
        let of = |hand: super::super::hand::Hand<'_>| match hand {
            super::super::hand::Hand::Mac(key) => key.algorithm().clone(),
            super::super::hand::Hand::Signature { .. } => panic!(),
        };
        (
            of(authority.hand(first, now()).unwrap()),
            of(authority.hand(second, now() + after).unwrap()),
        )
    };
    let minutes = SignedDuration::from_mins;
    let (first, second) = salts(SaltLife::PerTransaction, [1, 1], minutes(61)).await;
    assert_eq!(first, second);
    let (first, second) = salts(SaltLife::PerTransaction, [1, 2], minutes(0)).await;
    assert_ne!(first, second);
    let (first, second) = salts(SaltLife::PerHour, [1, 2], minutes(59)).await;
    assert_eq!(first, second);
    let (first, second) = salts(SaltLife::PerHour, [1, 1], minutes(61)).await;
    assert_ne!(first, second);
    // Another process has other salts.
    let (other, _) = salts(SaltLife::PerHour, [1, 1], minutes(61)).await;
    assert_ne!(first, other);
}
