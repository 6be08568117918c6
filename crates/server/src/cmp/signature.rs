//! Messages protected by a signature.

use pki::path::{self, Purpose};
use pki::{Certificate, GeneralName, usage};
use pkixcmp::protection::verify_signature;
use pkixcmp::{PkiBody, PkiFailureInfo, PkiMessage};
use ra::{CredentialId, Principal, Requester};

use super::call::Call;
use super::protect::Reply;
use super::sender::{Authenticated, Unauthenticated};
use crate::callers::principals;

/// Certificates beside the first that are looked at: a chain has no more, and each may cost a signature check.
const MOST_ABOVE: usize = 16;

/// Whose word it is that a certificate belongs to whom it says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vouched {
    /// A CA that configuration trusts for clients of this label.
    Clients,
    /// The CA of this label itself.
    Own,
}

pub(super) async fn authenticate(call: &Call<'_>) -> Result<Authenticated, Unauthenticated> {
    let Some(signer) = &call.settings.signer else {
        return Err(Unauthenticated::new(
            PkiFailureInfo::WRONG_INTEGRITY,
            "messages protected by a signature are not taken here; use a shared secret",
        ));
    };
    let certificate = protection_certificate(call.message).ok_or_else(|| {
        Unauthenticated::new(
            PkiFailureInfo::ADD_INFO_NOT_AVAILABLE,
            "the certificate that verifies the signature has to come first in extraCerts",
        )
    })?;
    belongs(call.message, &certificate)?;
    verify_signature(
        call.message,
        certificate.public_key(),
        call.settings.mac.sha1,
    )?;
    let vouched = trusted(call, &certificate).await?;
    Ok(Authenticated {
        who: requester(call, certificate, vouched),
        reply: Reply::Signature(signer.clone()),
    })
}

/// The credential that a signed message would be authenticated by.
pub(super) fn credential(certificate: &Certificate) -> CredentialId {
    let digest = pki::digest::sha256(certificate.public_key().spki_der());
    CredentialId::new(format!("cert:{}", hex::encode(digest)))
}

/// The first of extraCerts (RFC 9483 section 3.3).
pub(super) fn protection_certificate(message: &PkiMessage) -> Option<Certificate> {
    message
        .extra_certs()
        .first()
        .and_then(|first| first.certificate().ok())
}

/// Whether the header names the certificate (RFC 9483 section 3.1): its subject as sender, its key identifier as senderKID.
fn belongs(message: &PkiMessage, certificate: &Certificate) -> Result<(), Unauthenticated> {
    let header = message.header();
    let named = match &header.sender {
        // CAs turn names round, and CertService names itself as its CSR does; whose key signed is what counts.
        GeneralName::Directory(name) => pki::name::same_name_unordered(name, certificate.subject()),
        other => certificate.sans().contains(other),
    };
    if !named {
        return Err(Unauthenticated::new(
            PkiFailureInfo::BAD_MESSAGE_CHECK,
            "sender is not the subject of the certificate that protects the message",
        ));
    }
    let identified = match (&header.sender_kid, certificate.subject_key_id()) {
        (Some(kid), Some(id)) => kid.as_bytes() == id,
        _ => true,
    };
    if !identified {
        return Err(Unauthenticated::new(
            PkiFailureInfo::BAD_MESSAGE_CHECK,
            "senderKID is not the key identifier of the certificate that protects the message",
        ));
    }
    Ok(())
}

async fn trusted(call: &Call<'_>, certificate: &Certificate) -> Result<Vouched, Unauthenticated> {
    let above: Vec<Certificate> = call
        .message
        .extra_certs()
        .iter()
        .skip(1)
        .take(MOST_ABOVE)
        .filter_map(|raw| raw.certificate().ok())
        .collect();
    let issuance = call.site.ra.journal.issuance(&certificate.id()).await?;
    let issuance = issuance.filter(|known| known.certificate == *certificate);
    if issuance
        .as_ref()
        .is_some_and(|known| known.revoked.is_some())
        && !revokes(call.message)
    {
        return Err(Unauthenticated::new(
            PkiFailureInfo::CERT_REVOKED,
            "the certificate that protects the message is revoked",
        ));
    }
    // What is renewed has to be of the CA that renews it, whoever else is trusted to ask.
    let anchors = match call.message.body() {
        PkiBody::Kur(_) => &[],
        _ => call.settings.trusted_clients.as_slice(),
    };
    let path = path::validate(certificate, &above, anchors, call.now, Purpose::CmpSigner);
    let why = match path {
        // An RA is one by word of the CA it acts for, so that is asked too before a client's CA has the last word.
        Ok(()) if !is_ra(certificate) => return Ok(Vouched::Clients),
        Ok(()) => None,
        Err(why) => Some(why),
    };
    if own_suffices(call.message) || is_ra(certificate) {
        let ours = issuance.is_some_and(|known| call.own_authorities().contains(&&known.authority));
        let own = if ours {
            path::validate(
                certificate,
                &[],
                std::slice::from_ref(certificate),
                call.now,
                Purpose::CmpSigner,
            )
        } else {
            let own = call.own_certificates().await;
            let pool = [above, own.intermediates].concat();
            path::validate(
                certificate,
                &pool,
                &own.anchors,
                call.now,
                Purpose::CmpSigner,
            )
        };
        match (own, &why) {
            (Ok(()), _) => return Ok(Vouched::Own),
            (Err(_), None) => return Ok(Vouched::Clients),
            (Err(_), Some(_)) => {}
        }
    }
    let why = why.map(|why| why.to_string()).unwrap_or_default();
    Err(Unauthenticated {
        why,
        ..Unauthenticated::new(
            PkiFailureInfo::SIGNER_NOT_TRUSTED,
            "the certificate that protects the message is not trusted here",
        )
    })
}

/// Messages for which a certificate of the label's own CA is enough: renewing and revoking it, going on with a transaction, and asking what
/// everyone may know.
fn own_suffices(message: &PkiMessage) -> bool {
    matches!(
        message.body(),
        PkiBody::Kur(_)
            | PkiBody::Rr(_)
            | PkiBody::Genm(_)
            | PkiBody::CertConf(_)
            | PkiBody::PollReq(_)
            | PkiBody::Error(_)
    )
}

/// Who asks to revoke what is revoked already is told so by the line, if it is theirs; this goes on with that too.
fn revokes(message: &PkiMessage) -> bool {
    matches!(message.body(), PkiBody::Rr(_) | PkiBody::PollReq(_))
}

fn is_ra(certificate: &Certificate) -> bool {
    certificate
        .ext_key_usage()
        .is_some_and(|usages| usages.contains(&usage::CMC_RA))
}

fn requester(call: &Call<'_>, certificate: Certificate, vouched: Vouched) -> Requester {
    let credential = credential(&certificate);
    let mut names = principals(&certificate);
    names.insert(0, Principal::new(credential.as_str()));
    let configured = call
        .settings
        .acts_as_ra
        .iter()
        .any(|pattern| names.iter().any(|name| pattern.matches(name.as_str())));
    Requester {
        credential,
        acts_as_ra: configured || (vouched == Vouched::Own && is_ra(&certificate)),
        principals: names,
        certificate: Some(certificate),
        via: None,
    }
}
