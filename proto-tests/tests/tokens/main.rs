//! Keys in tokens: what a token makes of them, what is done when it is lost, and certway-ra with its keys there.

mod hsm;
mod program;

use futures::executor::block_on;
use futures::future::join_all;
use pki::pkcs11::{KeyUri, TokenError, TokenKey};
use pki::{KeyKind, PrivateKey, SignError, Signer};
use proto_tests::Keys;
use proto_tests::program::eventually;
use std::time::Duration;

use hsm::Hsm;

fn uri(text: &str) -> KeyUri {
    format!("pkcs11:token=certway;{text}").parse().unwrap()
}

fn with_p256(hsm: &Hsm) {
    hsm.import("signer", "01", &Keys::ec());
}

fn signer(hsm: &Hsm) -> TokenKey {
    TokenKey::open(&hsm.settings(), &uri("object=signer"), None).unwrap()
}

#[track_caller]
fn signs(key: &TokenKey) {
    let signature = block_on(key.sign(b"message")).unwrap();
    let verified = key
        .public_key()
        .verify(key.algorithm(), b"message", &signature);
    verified.unwrap();
}

#[test]
fn keys_of_every_kind_sign_what_verifies_under_the_public_key_they_show() {
    let kinds = [KeyKind::P256, KeyKind::P384, KeyKind::P521];
    let prepare = |hsm: &Hsm| {
        for (id, kind) in (1..).zip(kinds) {
            let key = PrivateKey::generate(kind).unwrap();
            hsm.import(&kind.to_string(), &format!("0{id}"), &key);
        }
        hsm.import("rsa", "0a", &Keys::rsa());
    };
    let Some(hsm) = Hsm::alone(prepare) else {
        return;
    };
    let open = |text: &str| TokenKey::open(&hsm.settings(), &uri(text), None).unwrap();
    // Held to the end: a token's sessions end with the last of its keys.
    let mut keys = Vec::new();
    for (id, kind) in (1..).zip(kinds) {
        let key = open(&format!("id=%0{id}"));
        assert_eq!(key.public_key().kind(), kind);
        signs(&key);
        keys.push(key);
    }
    for sign in [
        "rsa-pkcs1-sha256",
        "rsa-pkcs1-sha512",
        "rsa-pss-sha256",
        "rsa-pss-sha384",
    ] {
        let key = open(&format!("object=rsa?x-sign={sign}"));
        assert_eq!(key.public_key(), Keys::rsa().public_key());
        signs(&key);
        keys.push(key);
    }
    assert!(hsm.logins() <= 4, "{} logins for 4 sessions", hsm.logins());
}

#[test]
fn sessions_and_login_that_are_lost_are_opened_again() {
    let Some(hsm) = Hsm::alone(with_p256) else {
        return;
    };
    let key = signer(&hsm);
    let before = hsm.logins();
    hsm.let_it("forget");
    signs(&key);
    assert!(!hsm.path("forget").exists());
    assert!(hsm.logins() > before, "nobody logged in again");
}

#[test]
fn a_token_taken_out_is_an_outage_that_ends_when_it_is_back() {
    let Some(hsm) = Hsm::alone(with_p256) else {
        return;
    };
    let key = signer(&hsm);
    hsm.let_it("removed");
    for _ in 0..3 {
        let lost = block_on(key.sign(b"message"));
        assert!(matches!(lost, Err(SignError::Unavailable(_))), "{lost:?}");
    }
    hsm.no_longer("removed");
    eventually("the token signs again", || {
        block_on(key.sign(b"message")).is_ok()
    });
    signs(&key);
}

#[test]
fn a_token_that_hangs_holds_nobody_longer_than_the_time_out() {
    let Some(hsm) = Hsm::alone(with_p256) else {
        return;
    };
    let mut settings = hsm.settings();
    settings.timeout = Duration::from_millis(400);
    let mut opened = None;
    eventually("a busy machine opens it in time", || {
        opened = TokenKey::open(&settings, &uri("object=signer"), None).ok();
        opened.is_some()
    });
    let key = opened.unwrap();
    hsm.let_it("hang");
    let hung = block_on(join_all((0..6).map(|_| key.sign(b"message"))));
    for one in hung {
        assert!(
            matches!(&one, Err(SignError::Unavailable(why)) if why.contains("within 400 ms")),
            "{one:?}"
        );
    }
    hsm.no_longer("hang");
    eventually("the token signs again", || {
        block_on(key.sign(b"message")).is_ok()
    });
}

#[test]
fn a_pin_that_was_refused_is_not_given_again() {
    let Some(hsm) = Hsm::alone(with_p256) else {
        return;
    };
    let mut wrong = hsm.settings();
    wrong.pin = Some("0000-wrong".into());
    for _ in 0..5 {
        let refused = TokenKey::open(&wrong, &uri("object=signer"), None).unwrap_err();
        assert!(
            matches!(refused, TokenError::PinRefused | TokenError::Lost(_)),
            "{refused}"
        );
        assert!(!refused.to_string().contains("0000"));
    }
    assert_eq!(hsm.logins(), 1);
    // Another PIN is another matter.
    signs(&signer(&hsm));
}

#[test]
fn what_does_not_fit_is_named() {
    let prepare = |hsm: &Hsm| {
        with_p256(hsm);
        hsm.import("twice", "02", &Keys::ec());
        hsm.import("twice", "03", &Keys::ec());
    };
    let Some(hsm) = Hsm::alone(prepare) else {
        return;
    };
    let open = |text: &str, expected: Option<&pki::PublicKey>| {
        let uri = text.parse().unwrap();
        TokenKey::open(&hsm.settings(), &uri, expected).unwrap_err()
    };
    let other = Keys::ec();
    let other = Some(other.public_key());
    assert!(matches!(
        open("pkcs11:token=certway;object=none", None),
        TokenError::NoKey(_)
    ));
    assert!(matches!(
        open("pkcs11:token=certway;object=twice", None),
        TokenError::SeveralKeys(_)
    ));
    assert!(matches!(
        open("pkcs11:token=other;object=signer", None),
        TokenError::NoToken(_)
    ));
    assert_eq!(
        open("pkcs11:token=certway;object=signer", other),
        TokenError::OtherKey
    );
    assert!(matches!(
        open(
            "pkcs11:token=certway;object=signer?x-sign=rsa-pss-sha256",
            None
        ),
        TokenError::Scheme(..)
    ));
    let mut settings = hsm.settings();
    settings.pin = None;
    let missing = TokenKey::open(&settings, &uri("object=signer"), None).unwrap_err();
    assert_eq!(missing, TokenError::PinMissing);
    for module in ["libsofthsm2.so", "/nowhere/module.so"] {
        settings.module = module.into();
        let error = TokenKey::open(&settings, &uri("object=signer"), None).unwrap_err();
        assert!(matches!(error, TokenError::Module { .. }), "{error}");
    }
}

#[test]
fn many_signatures_at_a_time_share_the_sessions() {
    let Some(hsm) = Hsm::alone(with_p256) else {
        return;
    };
    let key = signer(&hsm);
    let made = block_on(join_all((0..100).map(|_| key.sign(b"message"))));
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    assert!(hsm.logins() <= 4, "{} logins", hsm.logins());
}
