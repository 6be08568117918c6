//! A CA that speaks CMP.

use ::authority::cmp::{
    AnswerTrust, CmpConfig, Confirmation, Dialect, FirstRequest, GuardedCmp, MacForm, MacIdentity,
    Protection, Quirks, RaIdentity, SaltLife, SignerRule, Takes, TransportSettings,
    UnprotectedErrors,
};
use pkixcmp::PkiFailureInfo;
use pkixcmp::protection::MacSecret;
use ra::AuthorityName;
use secrecy::ExposeSecret;

use super::{DN, dn, guard, transport};
use crate::config::context::Context;
use crate::config::raw::{RawCmp, RawCmpQuirks, RawCmpTrust, RawMac};
use crate::config::token::signing_identity;

pub(super) fn check(at: &str, name: &str, raw: &RawCmp, cx: &mut Context) -> Option<GuardedCmp> {
    let key = |key: &str| format!("{at}.{key}");
    let endpoints = guard::endpoints(at, raw, cx);
    let protection = protection(at, raw, cx);
    let trust = trust(&key("trust"), &raw.trust, cx);
    let recipient = raw
        .recipient
        .as_deref()
        .and_then(|text| dn(&key("recipient"), text, cx));
    if matches!(trust, AnswerTrust::IssuerDn) && raw.recipient.is_none() {
        cx.wrong(
            &key("recipient"),
            "missing, and `trust.issuer_dn` holds answers against it",
            DN,
        );
    }
    if matches!(trust, AnswerTrust::MacOnly) && raw.signature.is_some() {
        cx.wrong(
            &key("trust"),
            "missing: answers to signed requests are signed",
            "`anchors`, `pinned` or `issuer_dn`",
        );
    }
    if matches!(trust, AnswerTrust::MacOnly)
        && raw.mac.is_some()
        && !raw.quirks.mac_answers_to_signature.unwrap_or_default()
    {
        cx.doubt(
            &key("trust"),
            "missing: a key update by REST v1 is signed with the old certificate's key, and a CA that signs its answer to it, as \
             most do, is not believed",
            "`anchors`, `pinned` or `issuer_dn`",
        );
    }
    let default = TransportSettings::default();
    let transport = transport::check(&key("transport"), &raw.transport, &default, cx);
    let guard = guard::check(at, raw, &transport, cx);
    let mut endpoints = endpoints.into_iter();
    let (name, first) = (AuthorityName::new(name), endpoints.next()?);
    let mut config = CmpConfig::rfc9483(name, first, protection?, trust);
    config.recipient = recipient;
    config.dialect = cx.word(
        &key("dialect"),
        raw.dialect.as_deref(),
        &[("rfc9483", Dialect::Rfc9483), ("onap", Dialect::Onap)],
        Dialect::Rfc9483,
    );
    config.first = cx.word(
        &key("first"),
        raw.first.as_deref(),
        &[
            ("ir", FirstRequest::Initialization),
            ("cr", FirstRequest::Certification),
        ],
        FirstRequest::Initialization,
    );
    let confirmations = [
        ("explicit", Confirmation::Explicit),
        ("implicit", Confirmation::Implicit),
    ];
    config.confirmation = cx.word(
        &key("confirmation"),
        raw.confirmation.as_deref(),
        &confirmations,
        Confirmation::Explicit,
    );
    let takes = Takes::default();
    config.takes = Takes {
        ra_verified: raw.takes.ra_verified.unwrap_or(takes.ra_verified),
        kur_on_behalf: raw.takes.kur_on_behalf.unwrap_or(takes.kur_on_behalf),
        p10cr: raw.takes.p10cr.unwrap_or(takes.p10cr),
        rr: raw.takes.rr.unwrap_or(takes.rr),
    };
    let base = if config.dialect == Dialect::Onap {
        Quirks::onap()
    } else {
        Quirks::default()
    };
    config.quirks = quirks(&key("quirks"), &raw.quirks, base, cx);
    config.transport = transport;
    Some(GuardedCmp {
        cmp: config,
        others: endpoints.collect(),
        guard,
    })
}

fn protection(at: &str, raw: &RawCmp, cx: &mut Context) -> Option<Protection> {
    match (&raw.mac, &raw.signature) {
        (Some(mac), None) => self::mac(&format!("{at}.mac"), mac, cx).map(Protection::Mac),
        (None, Some(signature)) => {
            let entry = signing_identity(&format!("{at}.signature"), signature, cx)?;
            Some(Protection::Signature(RaIdentity {
                signer: entry.signer,
                chain: entry.chain,
            }))
        }
        (Some(_), Some(_)) => {
            cx.wrong(
                &format!("{at}.signature"),
                "given beside `mac`",
                "one of them",
            );
            None
        }
        (None, None) => {
            cx.wrong(
                at,
                "neither `mac` nor `signature`: requests would go out unprotected",
                "one of them",
            );
            None
        }
    }
}

fn mac(at: &str, raw: &RawMac, cx: &mut Context) -> Option<MacIdentity> {
    let key = |key: &str| format!("{at}.{key}");
    let reference = cx.required(
        &key("reference"),
        raw.reference.clone(),
        "what the CA knows the secret by",
    );
    if raw.secret.is_none() {
        cx.wrong(
            &key("secret"),
            "missing",
            "`{ file = \"path\" }` or `{ env = \"NAME\" }`",
        );
    }
    let secret = cx.secret(&key("secret"), raw.secret.as_ref());
    let forms = [
        ("pbm-sha256", MacForm::PBM_SHA256),
        ("pbm-sha1", MacForm::PBM_SHA1),
        ("pbmac1", MacForm::PBMAC1_SHA256),
    ];
    let mut form = cx.word(
        &key("form"),
        raw.form.as_deref(),
        &forms,
        MacForm::PBM_SHA256,
    );
    match &mut form {
        MacForm::Pbm { iterations, .. } | MacForm::Pbmac1 { iterations, .. } => {
            *iterations = cx.number(
                &key("iterations"),
                raw.iterations,
                *iterations,
                100..=100_000,
            );
        }
    }
    let lives = [
        ("per-transaction", SaltLife::PerTransaction),
        ("per-hour", SaltLife::PerHour),
    ];
    let salt = cx.word(
        &key("salt"),
        raw.salt.as_deref(),
        &lives,
        SaltLife::default(),
    );
    Some(MacIdentity {
        reference: reference?.into_bytes().into(),
        secret: MacSecret::new(secret?.expose_secret().as_bytes()),
        form,
        salt,
    })
}

fn trust(at: &str, raw: &RawCmpTrust, cx: &mut Context) -> AnswerTrust {
    let given = [raw.anchors.is_some(), raw.pinned.is_some(), raw.issuer_dn];
    if given.iter().filter(|given| **given).count() > 1 {
        cx.wrong(
            at,
            "more than one of `anchors`, `pinned` and `issuer_dn`",
            "one of them",
        );
    }
    let rules = [
        ("ca-or-cmc-ca", SignerRule::CaOrCmcCa),
        ("any-below-anchors", SignerRule::AnyBelowAnchors),
    ];
    let signer = cx.word(
        &format!("{at}.signer"),
        raw.signer.as_deref(),
        &rules,
        SignerRule::CaOrCmcCa,
    );
    match (&raw.anchors, &raw.pinned) {
        (Some(paths), _) => AnswerTrust::Anchors {
            anchors: cx.certificates(&format!("{at}.anchors"), paths),
            signer,
        },
        (None, Some(paths)) => AnswerTrust::Pinned(cx.certificates(&format!("{at}.pinned"), paths)),
        (None, None) if raw.issuer_dn => AnswerTrust::IssuerDn,
        (None, None) => AnswerTrust::MacOnly,
    }
}

fn quirks(at: &str, raw: &RawCmpQuirks, base: Quirks, cx: &mut Context) -> Quirks {
    let errors = [
        ("ignored", UnprotectedErrors::Ignored),
        ("end-requests", UnprotectedErrors::EndRequests),
        ("end-confirmations", UnprotectedErrors::EndConfirmations),
    ];
    let refuses_repeats_with = raw.refuses_repeats_with.as_ref().map(|names| {
        let mut all = PkiFailureInfo::default();
        for (i, name) in names.iter().enumerate() {
            match PkiFailureInfo::from_name(name) {
                Some(bit) => all |= bit,
                None => cx.wrong(
                    &format!("{at}.refuses_repeats_with[{i}]"),
                    format!("`{name}` is no name of a PKIFailureInfo bit"),
                    "names of RFC 9810 section 5.2.3, as `badRequest` or `duplicateCertReq`",
                ),
            }
        }
        all
    });
    Quirks {
        repeats: raw.repeats.unwrap_or(base.repeats),
        signed_answers_to_mac: raw
            .signed_answers_to_mac
            .unwrap_or(base.signed_answers_to_mac),
        mac_answers_to_signature: raw
            .mac_answers_to_signature
            .unwrap_or(base.mac_answers_to_signature),
        unprotected_errors: cx.word(
            &format!("{at}.unprotected_errors"),
            raw.unprotected_errors.as_deref(),
            &errors,
            base.unprotected_errors,
        ),
        bare_errors: raw.bare_errors.unwrap_or(base.bare_errors),
        version_1_errors: raw.version_1_errors.unwrap_or(base.version_1_errors),
        p10cr_id_zero: raw.p10cr_id_zero.unwrap_or(base.p10cr_id_zero),
        unordered_sender: raw.unordered_sender.unwrap_or(base.unordered_sender),
        any_media_type: raw.any_media_type.unwrap_or(base.any_media_type),
        sha1_answers: raw.sha1_answers.unwrap_or(base.sha1_answers),
        refuses_repeats_with: refuses_repeats_with.unwrap_or(base.refuses_repeats_with),
    }
}
