//! Step 3 of the line: ir, cr, kur and p10cr to [`EnrollRequest`].

use bytes::Bytes;
use pki::{Certificate, CertificateId, GeneralName, Template};
use pkixcmp::crmf::control::{AttributeTypeAndValue, Control};
use pkixcmp::crmf::{CertReqMsg, template::TemplateError};
use pkixcmp::info::{InfoValue, id};
use pkixcmp::pop::{self, SignatureProof};
use pkixcmp::protection::ProtectionKind;
use pkixcmp::raw::CertificationRequest;
use pkixcmp::{PkiBody, PkiFailureInfo, PkiStatusInfo};
use ra::{
    ConfirmedBy, EnrollRequest, Key, Original, ProfileName, Proof, Replaces, Requester, Sealed,
};

use super::call::Call;
use super::exchange::{Exchange, fingerprint, transaction_id};
use super::sender::Authenticated;
use super::trouble::{failed, lost};

/// Why a message is no request that the line could judge.
#[derive(Debug)]
pub(super) enum Unfit {
    /// The message as a whole: answered by an error.
    Message(PkiStatusInfo),
    /// What it asks for: answered by ip, cp, kup or rp with the status rejection.
    Request(PkiStatusInfo),
}

impl Unfit {
    pub(super) fn message(failure: PkiFailureInfo, text: impl Into<String>) -> Self {
        Self::Message(PkiStatusInfo::rejection(failure, text))
    }

    pub(super) fn request(failure: PkiFailureInfo, text: impl Into<String>) -> Self {
        Self::Request(PkiStatusInfo::rejection(failure, text))
    }
}

/// What is asked for, proven how, in which form.
struct Wanted {
    template: Template,
    proof: Proof,
    original: Original,
    replaces: Option<Replaces>,
}

pub(super) async fn request(
    call: &Call<'_>,
    sender: &Authenticated,
    exchange: &Exchange,
) -> Result<EnrollRequest, Unfit> {
    let wanted = match call.message.body() {
        PkiBody::P10cr(csr) => pkcs10(csr)?,
        PkiBody::Kur(_) => {
            let old = renewed(call, &sender.who).await?;
            crmf(call, Some(old))?
        }
        _ => crmf(call, None)?,
    };
    Ok(EnrollRequest {
        key: key(call, &sender.who),
        fingerprint: fingerprint(call.message),
        label: call.label.clone(),
        profile: profile(call),
        wanted: wanted.template,
        lifetime: None,
        proof: wanted.proof,
        original: Some(wanted.original),
        replaces: wanted.replaces,
        confirmed_by: confirmed_by(call, exchange),
        front: sealed(exchange)?,
        correlation: call.correlation.cloned(),
    })
}

/// The transactionID in the scope of the credential: no client can block or ask after another's (must they guess it or not).
pub(super) fn key(call: &Call<'_>, who: &Requester) -> Key {
    Key {
        scope: who.credential.clone(),
        value: transaction_id(call.message),
        replay_for: None,
    }
}

pub(super) fn sealed(exchange: &Exchange) -> Result<Sealed, Unfit> {
    exchange.seal().map_err(|e| Unfit::Message(lost(e)))
}

fn confirmed_by(call: &Call<'_>, exchange: &Exchange) -> ConfirmedBy {
    let asked = exchange.transaction.asks_implicit_confirmation();
    if asked && call.settings.grant_implicit_confirm {
        ConfirmedBy::Ra
    } else {
        ConfirmedBy::Requester
    }
}

/// The one name in certProfile (RFC 9810 section 5.1.1.4); that there is one was checked with the header.
fn profile(call: &Call<'_>) -> Option<ProfileName> {
    let infos = call.message.header().general_info.as_ref()?;
    let info = infos
        .iter()
        .find(|info| info.info_type == id::CERT_PROFILE)?;
    match info.value() {
        Ok(InfoValue::CertProfile(names)) => names.first().map(ProfileName::new),
        _ => None,
    }
}

fn pkcs10(raw: &CertificationRequest) -> Result<Wanted, Unfit> {
    let unreadable =
        |e: pki::CsrError| Unfit::request(PkiFailureInfo::BAD_DATA_FORMAT, e.to_string());
    let csr = raw.csr().map_err(unreadable)?;
    Ok(Wanted {
        template: csr.template().map_err(unreadable)?,
        proof: Proof::Signature {
            over: Bytes::copy_from_slice(csr.to_be_signed()),
            algorithm: csr.signature_algorithm().clone(),
            signature: Bytes::copy_from_slice(csr.signature()),
        },
        original: Original::CertificationRequest(raw.der().clone()),
        replaces: None,
    })
}

fn crmf(call: &Call<'_>, old: Option<Replaces>) -> Result<Wanted, Unfit> {
    let raw = pop::raw_requests(call.message);
    let [(der, request)] = raw.as_slice() else {
        return Err(Unfit::message(
            PkiFailureInfo::BAD_REQUEST,
            "there has to be exactly one request in a message",
        ));
    };
    let renewed = old.as_ref().map(|old| &old.certificate);
    let template = template(request, renewed)?;
    for control in request
        .cert_req
        .controls
        .iter()
        .flat_map(|list| list.iter())
    {
        heed(control, renewed)?;
    }
    Ok(Wanted {
        template,
        proof: proof(call, der, request)?,
        original: Original::CertReqMsg(der.clone()),
        replaces: old,
    })
}

fn template(request: &CertReqMsg, old: Option<&Certificate>) -> Result<Template, Unfit> {
    let asked = &request.cert_req.cert_template;
    let bad = |text: String| Unfit::request(PkiFailureInfo::BAD_CERT_TEMPLATE, text);
    // serialNumber and signingAlg are the CA's to choose, and RFC 4211 section 5 has them left out. CertService and others fill them in all
    // the same and expect nothing of it, so they are passed over.
    if asked.version.is_some_and(|version| version != 2) {
        return Err(bad("version has to be v3, or absent".to_owned()));
    }
    let mut template = asked.to_template().map_err(|error| match error {
        TemplateError::NoPublicKey => {
            bad("the template has no public key, and keys are not made here".to_owned())
        }
        error => bad(error.to_string()),
    })?;
    // A renewal that does not say otherwise keeps its names (RFC 9483 section 4.1.3).
    if let Some(old) = old {
        if asked.subject.is_none() {
            template.subject = old.subject().clone();
        }
        if template.sans.is_empty() {
            template.sans = old.sans().to_vec();
        }
    }
    Ok(template)
}

fn heed(control: &AttributeTypeAndValue, old: Option<&Certificate>) -> Result<(), Unfit> {
    let parsed = control
        .control()
        .map_err(|e| Unfit::message(PkiFailureInfo::BAD_DATA_FORMAT, e.to_string()))?;
    match (parsed, old) {
        (Control::OldCertId(named), Some(old)) if named.certificate_id() != Some(old.id()) => {
            Err(Unfit::request(
                PkiFailureInfo::BAD_CERT_ID,
                "oldCertId does not name the certificate that is renewed",
            ))
        }
        (Control::PkiArchiveOptions(_), _) => Err(Unfit::request(
            PkiFailureInfo::BAD_REQUEST,
            "private keys are not archived here",
        )),
        _ => Ok(()),
    }
}

/// The certificate that a kur renews: the one that protects it (RFC 9483 section 4.1.3), or for an RA, whose word is taken for its
/// clients', the one that oldCertId names.
async fn renewed(call: &Call<'_>, who: &Requester) -> Result<Replaces, Unfit> {
    let algorithm = call.message.header().protection_alg.as_ref();
    let signed = ProtectionKind::announced(algorithm) == ProtectionKind::Signature;
    let own = who.certificate.clone().filter(|_| signed);
    if who.acts_as_ra
        && let Some(named) = old_cert_id(call)
        && own.as_ref().is_none_or(|own| own.id() != named)
    {
        return on_behalf(call, &named).await;
    }
    own.map(|certificate| Replaces {
        certificate,
        proof: Proof::Channel,
    })
    .ok_or_else(|| {
        Unfit::message(
            PkiFailureInfo::WRONG_INTEGRITY,
            "a kur has to be signed with the key of the certificate that it renews",
        )
    })
}

async fn on_behalf(call: &Call<'_>, named: &CertificateId) -> Result<Replaces, Unfit> {
    let known = call.site.ra.journal.issuance(named).await;
    let known = known.map_err(|error| Unfit::Message(failed(&error.into())))?;
    known
        .map(|issuance| Replaces {
            certificate: issuance.certificate,
            proof: Proof::RaVerified,
        })
        .ok_or_else(|| {
            Unfit::request(
                PkiFailureInfo::BAD_CERT_ID,
                "oldCertId names a certificate that is not known here",
            )
        })
}

fn old_cert_id(call: &Call<'_>) -> Option<CertificateId> {
    let raw = pop::raw_requests(call.message);
    let (_, request) = raw.first()?;
    let controls = request.cert_req.controls.as_ref()?;
    controls.iter().find_map(|control| match control.control() {
        Ok(Control::OldCertId(named)) => named.certificate_id(),
        _ => None,
    })
}

fn proof(call: &Call<'_>, der: &Bytes, request: &CertReqMsg) -> Result<Proof, Unfit> {
    let bad = |text: String| Unfit::request(PkiFailureInfo::BAD_POP, text);
    match pop::Proof::of(der, request).map_err(|e| bad(e.to_string()))? {
        pop::Proof::Signature(proof) => {
            let sender = &call.message.header().sender;
            if !claims(&proof, sender) {
                return Err(bad(
                    "the poposkInput of the proof of possession names someone else than the sender"
                        .to_owned(),
                ));
            }
            Ok(Proof::Signature {
                over: proof.over,
                algorithm: proof.algorithm,
                signature: proof.signature,
            })
        }
        pop::Proof::RaVerified => Ok(Proof::RaVerified),
        pop::Proof::AtConfirmation => Ok(Proof::AtConfirmation),
        pop::Proof::Absent => Err(bad("the proof of possession is missing".to_owned())),
    }
}

/// A name in the proof has to be the one the message was authenticated for.
fn claims(proof: &SignatureProof, sender: &GeneralName) -> bool {
    match (&proof.claimed_sender, sender) {
        (None, _) => true,
        (Some(GeneralName::Directory(claimed)), GeneralName::Directory(sender)) => {
            pki::name::same_name(claimed, sender)
        }
        (Some(claimed), sender) => claimed == sender,
    }
}
