use bytes::Bytes;
use der::asn1::{Int, OctetString};
use der::{Decode, Encode};
use jiff::Timestamp;
use pki::{
    Certificate, CertificateId, Csr, Extension, GeneralName, Name, ObjectIdentifier, Signer,
    Template, random,
};
use pkixcmp::body::revoke::RevDetails;
use pkixcmp::client::{self, ClientTransaction, Opening, Tolerance};
use pkixcmp::crmf::CertReqMsg;
use pkixcmp::crmf::template::CertTemplate;
use pkixcmp::pop::Unproven;
use pkixcmp::raw::CertificationRequest;
use pkixcmp::transaction::TransactionId;
use pkixcmp::{PkiBody, Pvno};
use ra::{
    Approved, AskError, EnrollRequest, Original, Proof, Refusal, RefusalKind, Sealed, SentAs,
};

use super::CmpAuthority;
use super::choose::{self, Body, Form, Given, NoForm, Pop, Protected, Renewal, Situation};
use super::config::{Confirmation, Dialect, UnprotectedErrors};
use super::hand::{Hand, Sender};
use super::state::{Exchange, State, VERSION};
use super::template::{self, Unencodable};
use crate::sealed;

impl CmpAuthority {
    /// Makes the request for a certificate and protects it.
    pub(crate) async fn prepare_enrollment(
        &self,
        request: &EnrollRequest,
        approved: &Approved,
        now: Timestamp,
    ) -> Result<Sealed, AskError> {
        let template = &approved.template;
        let situation = self.situation(request, approved);
        let form = choose::form(situation).map_err(no_form)?;
        self.tell(situation.renewal, form.body);
        let old = request.replaces.as_ref().filter(|_| form.body == Body::Kur);
        let certificate = old.map(|old| &old.certificate);
        let body = self.body(form, request, template, certificate).await?;
        let opening = self.opening(self.confirmation())?;
        let (hand, sender, kept) = match (form.protected, old) {
            (Protected::ByOldKey, Some(old)) => {
                let signer =
                    lent(&old.proof).ok_or_else(|| unavailable("the old key was not lent"))?;
                let hand = Hand::lent(signer, &old.certificate).map_err(unavailable)?;
                let sender = match self.config.dialect {
                    Dialect::Rfc9483 => Sender::certified(&old.certificate),
                    Dialect::Onap => Sender {
                        name: GeneralName::Directory(template.subject.clone()),
                        kid: None,
                    },
                };
                (hand, sender, Some(old.certificate.clone()))
            }
            _ => {
                let hand = self.hand(opening.transaction_id, now)?;
                (hand, self.sender(Some(template)), None)
            }
        };
        let begun = Begun {
            body: &body,
            hand: &hand,
            sender,
            old: kept,
            sent_as: Some(form.body.sent_as()),
        };
        self.begin(opening, begun, now).await
    }

    /// Makes the request to revoke and protects it.
    pub(crate) async fn prepare_revocation(
        &self,
        of: &CertificateId,
        reason: u8,
        now: Timestamp,
    ) -> Result<Sealed, AskError> {
        if !self.config.takes.rr {
            let why = "this CA takes no revocation requests from us; ask its operator";
            return Err(AskError::Refused(Refusal::new(
                RefusalKind::Unsupported,
                why,
            )));
        }
        let opening = self.opening(client::Confirmation::Explicit)?;
        let hand = self.hand(opening.transaction_id, now)?;
        let sender = self.sender(None);
        let body = revocation(of, reason)?;
        let begun = Begun {
            body: &body,
            hand: &hand,
            sender,
            old: None,
            sent_as: None,
        };
        self.begin(opening, begun, now).await
    }

    /// Our configured protection, for a message of `transaction`.
    pub(crate) fn hand(
        &self,
        transaction: TransactionId,
        now: Timestamp,
    ) -> Result<Hand<'_>, AskError> {
        let protection = &self.config.protection;
        Hand::ours(protection, &self.salts, &self.keys, transaction, now).map_err(unavailable)
    }

    /// Who we are: by our protection, or as ONAP's client by the subject that is asked for.
    pub(crate) fn sender(&self, template: Option<&Template>) -> Sender {
        let ours = Sender::ours(&self.config.protection);
        match (self.config.dialect, &self.config.protection, template) {
            (Dialect::Onap, super::Protection::Mac(_), Some(template)) => Sender {
                name: GeneralName::Directory(template.subject.clone()),
                kid: ours.kid,
            },
            _ => ours,
        }
    }

    /// A transaction of our own.
    pub(crate) fn opening(&self, confirmation: client::Confirmation) -> Result<Opening, AskError> {
        let quirks = &self.config.quirks;
        Ok(Opening {
            transaction_id: TransactionId(random::bytes().map_err(unavailable)?),
            recipient: GeneralName::Directory(self.config.recipient.clone().unwrap_or_default()),
            pvno: Pvno::CMP2000,
            confirmation,
            general_info: Vec::new(),
            tolerance: Tolerance {
                p10cr_answered_as_zero: quirks.p10cr_id_zero,
                version_1_in_errors: quirks.version_1_errors,
                unprotected_errors: quirks.unprotected_errors != UnprotectedErrors::Ignored,
                unprotected_errors_without_ids: quirks.bare_errors,
                signature_answers_mac: quirks.signed_answers_to_mac,
                mac_answers_signature: quirks.mac_answers_to_signature,
                ..Tolerance::default()
            },
        })
    }

    async fn begin(
        &self,
        opening: Opening,
        begun: Begun<'_>,
        now: Timestamp,
    ) -> Result<Sealed, AskError> {
        let Begun {
            body,
            hand,
            sender,
            old,
            sent_as,
        } = begun;
        let out = hand.outgoing(&sender, now).map_err(unavailable)?;
        let (transaction, message) =
            ClientTransaction::begin(opening, body, out).map_err(unavailable)?;
        let request = hand.protect(message).await.map_err(unavailable)?;
        tracing::debug!(
            authority = %self.config.name,
            transaction = %hex::encode(transaction.transaction_id().0),
            body = body.name(),
            octets = request.len(),
            "Prepared a request"
        );
        let exchange = Exchange {
            transaction,
            endpoint: self.transport.endpoint().to_string(),
            begun: now,
            sender: sender.name,
            sender_kid: sender.kid,
            old,
            sent_as,
        };
        sealed::seal(VERSION, &State::Asked { exchange, request })
    }

    fn situation(&self, request: &EnrollRequest, approved: &Approved) -> Situation {
        let template = &approved.template;
        let (proof, changed) = match (&request.proof, &request.original) {
            (Proof::Lent(_), _) => (Given::Key, approved.changed),
            (Proof::Signature { .. }, Some(Original::CertificationRequest(der))) => {
                // What was asked for beside the PKCS#10 (a duration, usages) is not in it. A CA that takes our word and no PKCS#10 does
                // not get it either way, and reading it takes as long as the rest of this.
                let never_sent = self.config.takes.ra_verified && !self.config.takes.p10cr;
                let says_all = never_sent
                    || Csr::from_der(der.clone())
                        .and_then(|csr| csr.template())
                        .is_ok_and(|says| says == *template);
                (Given::Csr, approved.changed || !says_all)
            }
            (Proof::Signature { .. }, Some(Original::CertReqMsg(_))) => {
                (Given::CertReqMsg, approved.changed)
            }
            (Proof::Signature { .. } | Proof::RaVerified | Proof::Channel, _) => {
                (Given::Word, approved.changed)
            }
            (Proof::AtConfirmation, _) => (Given::Later, approved.changed),
        };
        let renewal = match &request.replaces {
            None => Renewal::No,
            Some(old) if !template.has_names_of(&old.certificate) => Renewal::OtherNames,
            Some(old) if matches!(old.proof, Proof::Lent(_)) => Renewal::ByItsKey,
            Some(_) => Renewal::OnBehalf,
        };
        Situation {
            proof,
            changed,
            renewal,
            takes: self.config.takes,
            first: self.config.first,
        }
    }

    /// The sentences that CertService logs here, for whoever looks for them.
    fn tell(&self, renewal: Renewal, body: Body) {
        let authority = &self.config.name;
        match (renewal, body) {
            (Renewal::No, _) => {}
            (Renewal::OtherNames, _) => tracing::info!(
                %authority,
                "Certificate Signing Request and Old Certificate have different parameters. Preparing Certification Request"
            ),
            (_, Body::Kur) => tracing::info!(
                %authority,
                "Certificate Signing Request and Old Certificate have the same parameters. Preparing Key Update Request"
            ),
            _ => tracing::info!(
                %authority,
                "Certificate Signing Request and Old Certificate have the same parameters, but the CA takes no key update from \
                 us. Preparing Certification Request"
            ),
        }
    }

    fn confirmation(&self) -> client::Confirmation {
        match (self.config.confirmation, self.config.dialect) {
            (Confirmation::Explicit, _) => client::Confirmation::Explicit,
            (Confirmation::Implicit, Dialect::Rfc9483) => client::Confirmation::Implicit,
            (Confirmation::Implicit, Dialect::Onap) => client::Confirmation::ImplicitWithoutValue,
        }
    }

    async fn body(
        &self,
        form: Form,
        request: &EnrollRequest,
        template: &Template,
        old: Option<&Certificate>,
    ) -> Result<PkiBody, AskError> {
        let of_crmf = |message: CertReqMsg| match form.body {
            Body::Ir => PkiBody::Ir([message].into()),
            Body::Kur => PkiBody::Kur([message].into()),
            Body::Cr | Body::P10cr => PkiBody::Cr([message].into()),
        };
        match (form.pop, &request.original) {
            (Pop::Original, Some(Original::CertificationRequest(der))) => Ok(PkiBody::P10cr(
                CertificationRequest::from_der(der.clone()).map_err(bad_request)?,
            )),
            (Pop::Original, Some(Original::CertReqMsg(der))) => unchanged(der).map(of_crmf),
            (Pop::Original, _) => Err(unavailable("there is no request to pass on")),
            (Pop::Signed, _) => {
                let signer =
                    lent(&request.proof).ok_or_else(|| unavailable("the key was not lent"))?;
                self.signed(self.unproven(template, old)?, signer)
                    .await
                    .map(of_crmf)
            }
            (Pop::RaVerified, _) => Ok(of_crmf(self.unproven(template, old)?.ra_verified(None))),
        }
    }

    fn unproven(
        &self,
        template: &Template,
        old: Option<&Certificate>,
    ) -> Result<Unproven, AskError> {
        let issuer = self.config.recipient.as_ref();
        let request = template::cert_request(self.config.dialect, template, issuer, old)
            .map_err(unencodable)?;
        Unproven::new(request).map_err(bad_request)
    }

    async fn signed(
        &self,
        unproven: Unproven,
        signer: &dyn Signer,
    ) -> Result<CertReqMsg, AskError> {
        let signature = signer
            .sign(unproven.to_be_signed())
            .await
            .map_err(unavailable)?;
        let algorithm = template::pop_algorithm(self.config.dialect, signer.algorithm());
        unproven
            .proven(algorithm, &signature, None)
            .map_err(bad_request)
    }
}

/// A message about to open a transaction.
struct Begun<'a> {
    body: &'a PkiBody,
    hand: &'a Hand<'a>,
    sender: Sender,
    old: Option<Certificate>,
    sent_as: Option<SentAs>,
}

/// rr for one certificate (RFC 9483 section 4.2): issuer and serial number, and the reason.
pub(crate) fn revocation(of: &CertificateId, reason: u8) -> Result<PkiBody, AskError> {
    let made = || -> Result<RevDetails, Unencodable> {
        let reason = Extension {
            extn_id: ObjectIdentifier::new_unwrap("2.5.29.21"),
            critical: false,
            // ENUMERATED, one octet.
            extn_value: OctetString::new([0x0a, 1, reason])?,
        };
        Ok(RevDetails {
            cert_details: CertTemplate {
                serial_number: Some(Int::new(&of.serial)?),
                issuer: Some(Name::from_der(&of.issuer)?),
                ..CertTemplate::default()
            },
            crl_entry_details: Some([reason].into()),
        })
    };
    Ok(PkiBody::Rr([made().map_err(unencodable)?].into()))
}

/// The request as it came, octet for octet: its proof covers them.
fn unchanged(der: &Bytes) -> Result<CertReqMsg, AskError> {
    let message = CertReqMsg::from_der(der).map_err(bad_request)?;
    if message.to_der().map_err(bad_request)? != der.as_ref() {
        let why = "the request is not DER, so it cannot be passed on unchanged";
        return Err(AskError::Refused(Refusal::new(
            RefusalKind::BadRequest,
            why,
        )));
    }
    Ok(message)
}

fn lent(proof: &Proof) -> Option<&dyn Signer> {
    match proof {
        Proof::Lent(signer) => Some(signer.as_ref()),
        _ => None,
    }
}

fn no_form(why: NoForm) -> AskError {
    let kind = match why {
        NoForm::CannotChange => RefusalKind::CannotChange,
        NoForm::WordNotTaken | NoForm::NoPkcs10 | NoForm::Later => RefusalKind::Unsupported,
    };
    AskError::Refused(Refusal::new(kind, why.to_string()))
}

fn unencodable(error: Unencodable) -> AskError {
    bad_request(error)
}

pub(crate) fn bad_request(error: impl std::fmt::Display) -> AskError {
    AskError::Refused(Refusal::new(RefusalKind::BadRequest, error.to_string()))
}

/// Nothing has left us and the requester has done nothing wrong.
pub(crate) fn unavailable(error: impl std::fmt::Display) -> AskError {
    AskError::Ours {
        why: error.to_string(),
    }
}
