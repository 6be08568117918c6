//! genm: what a CA can be asked beside certificates (RFC 9810 section 5.3.19, RFC 9483 section 4.3).

use bytes::Bytes;
use pki::Certificate;
use pkixcmp::body::enroll::CmpCertificates;
use pkixcmp::info::{InfoTypeAndValue, Infos, id};
use pkixcmp::raw::CertificateList;
use pkixcmp::server::{Answer, Conformance};
use pkixcmp::{CmpCertificate, EncodeError, PkiBody, PkiFailureInfo, PkiStatusInfo};
use ra::{Support, SupportAnswer};

use super::call::Call;
use super::exchange::Exchange;
use super::fail_info;
use super::sender::Authenticated;
use super::trouble::{failed, lost};

/// Serves a genm; the error is for an error message.
pub(super) async fn answer(
    call: &Call<'_>,
    sender: &Authenticated,
    exchange: Exchange,
) -> Result<Bytes, PkiStatusInfo> {
    let PkiBody::Genm(asked) = call.message.body() else {
        return Err(lost("a genm of another kind"));
    };
    let strict = call.settings.rules.header.conformance == Conformance::Strict;
    if strict && asked.len() != 1 {
        return Err(PkiStatusInfo::rejection(
            PkiFailureInfo::BAD_REQUEST,
            "there has to be exactly one question in a genm",
        ));
    }
    let mut told = Infos::new();
    let mut done = Vec::new();
    for question in asked.iter() {
        // Once is enough, however often it is asked.
        if done.contains(&question.info_type) {
            continue;
        }
        done.push(question.info_type);
        match tell(call, sender, question).await? {
            Some(info) => told.push(info),
            None if strict => {
                return Err(PkiStatusInfo::rejection(
                    PkiFailureInfo::BAD_REQUEST,
                    "there is no answer here to this type of question",
                ));
            }
            // RFC 9810 section 5.3.19: what is not known is left out.
            None => {}
        }
    }
    call.send(sender, exchange, Answer::Support(told).into())
        .await
}

async fn tell(
    call: &Call<'_>,
    sender: &Authenticated,
    question: &InfoTypeAndValue,
) -> Result<Option<InfoTypeAndValue>, PkiStatusInfo> {
    let asked = match question.info_type {
        id::CA_CERTS => Support::CaCerts,
        id::CURRENT_CRL => Support::Crl,
        _ => return Ok(None),
    };
    let told = call.site.ra.support(&sender.who, call.label, asked).await;
    match told.map_err(|error| failed(&error))? {
        Ok(SupportAnswer::CaCerts(list)) => certificates(&list).map(Some).map_err(lost),
        Ok(SupportAnswer::Crl(crl)) => list(crl).map(Some).map_err(lost),
        Ok(_) => Ok(None),
        Err(refusal) => Err(fail_info::status(&refusal)),
    }
}

fn certificates(list: &[Certificate]) -> Result<InfoTypeAndValue, EncodeError> {
    if list.is_empty() {
        return Ok(InfoTypeAndValue::bare(id::CA_CERTS));
    }
    let list: CmpCertificates = list.iter().map(CmpCertificate::from).collect();
    InfoTypeAndValue::with(id::CA_CERTS, &list)
}

fn list(crl: Option<Bytes>) -> Result<InfoTypeAndValue, EncodeError> {
    match crl.map(CertificateList::from_der) {
        Some(Ok(crl)) => InfoTypeAndValue::with(id::CURRENT_CRL, &crl),
        _ => Ok(InfoTypeAndValue::bare(id::CURRENT_CRL)),
    }
}
