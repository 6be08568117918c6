//! Step 3 of the line for rr: to [`RevokeRequest`].

use pki::crl::RevocationReason;
use pkixcmp::{PkiBody, PkiFailureInfo};
use ra::RevokeRequest;

use super::call::Call;
use super::enroll::{Unfit, key, sealed};
use super::exchange::{Exchange, fingerprint};
use super::sender::Authenticated;

pub(super) fn request(
    call: &Call<'_>,
    sender: &Authenticated,
    exchange: &Exchange,
) -> Result<RevokeRequest, Unfit> {
    if sender.reply.is_mac() && !call.settings.rules.mac_revocation {
        return Err(Unfit::message(
            PkiFailureInfo::WRONG_INTEGRITY,
            "a revocation has to be signed here",
        ));
    }
    let asked = match call.message.body() {
        PkiBody::Rr(list) => list.first(),
        _ => None,
    };
    let asked = asked.ok_or_else(|| {
        Unfit::message(
            PkiFailureInfo::BAD_REQUEST,
            "there has to be exactly one request in a message",
        )
    })?;
    let of = asked.certificate_id().ok_or_else(|| {
        Unfit::request(
            PkiFailureInfo::BAD_CERT_TEMPLATE,
            "issuer and serialNumber have to name the certificate",
        )
    })?;
    let code = asked
        .reason_code()
        .map_err(|e| Unfit::request(PkiFailureInfo::BAD_DATA_FORMAT, e.to_string()))?
        .unwrap_or_default();
    let reason = RevocationReason::from_code(code).ok_or_else(|| {
        Unfit::request(
            PkiFailureInfo::BAD_DATA_FORMAT,
            format!("{code} is no CRLReason"),
        )
    })?;
    if reason == RevocationReason::RemoveFromCrl {
        return Err(Unfit::request(
            PkiFailureInfo::BAD_REQUEST,
            "a revocation is final here: nothing is removed from the CRL",
        ));
    }
    Ok(RevokeRequest {
        key: key(call, &sender.who),
        fingerprint: fingerprint(call.message),
        label: call.label.clone(),
        of,
        reason: code,
        original: None,
        front: sealed(exchange)?,
        correlation: call.correlation.cloned(),
    })
}
