use der::asn1::{Any, Int, Null, OctetString};
use der::{Decode, Encode};
use pki::algorithm::SignatureScheme;
use pki::digest::HashAlgorithm;
use pki::{
    AlgorithmId, Certificate, Extension, GeneralName, KeyUsages, Name, ObjectIdentifier, Template,
    general_name, usage,
};
use pkixcmp::crmf::CertRequest;
use pkixcmp::crmf::control::AttributeTypeAndValue;
use pkixcmp::crmf::template::{CertTemplate, Extensions, OptionalValidity};
use pkixcmp::time::Time;
use pkixcmp::{CertId, CertReqId};

use super::config::Dialect;

/// Why a template cannot be put into CRMF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request cannot be encoded for the CA: {0}")]
pub(crate) struct Unencodable(pub(crate) String);

impl From<der::Error> for Unencodable {
    fn from(error: der::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<pkixcmp::EncodeError> for Unencodable {
    fn from(error: pkixcmp::EncodeError) -> Self {
        Self(error.to_string())
    }
}

/// What is asked of the CA, as CRMF (RFC 4211 section 5).
///
/// `issuer` is the CA's name where the dialect wants it, `old` the certificate a kur replaces.
pub(crate) fn cert_request(
    dialect: Dialect,
    template: &Template,
    issuer: Option<&Name>,
    old: Option<&Certificate>,
) -> Result<CertRequest, Unencodable> {
    match dialect {
        Dialect::Rfc9483 => rfc9483(template, old),
        Dialect::Onap => onap(template, issuer),
    }
}

/// RFC 9483 section 4.1.1: certReqId 0; of the template what was asked for and nothing else; oldCertId in a kur (section
/// 4.1.3).
fn rfc9483(template: &Template, old: Option<&Certificate>) -> Result<CertRequest, Unencodable> {
    let extensions = template.extensions()?;
    let controls = old
        .map(|old| {
            Ok::<_, Unencodable>([AttributeTypeAndValue::old_cert_id(&cert_id(old)?)?].into())
        })
        .transpose()?;
    Ok(CertRequest {
        cert_req_id: CertReqId::FIRST,
        cert_template: CertTemplate {
            validity: validity(template),
            subject: Some(template.subject.clone()),
            public_key: Some(public_key(template)?),
            extensions: (!extensions.is_empty()).then(|| extensions.into()),
            ..CertTemplate::default()
        },
        controls,
    })
}

/// As ONAP CertService 2.6 fills it in (certservice-compat 2.4): version, a serial number of 0 and a signing algorithm although
/// RFC 4211 wants none; a validity that is empty unless one is asked for; three extensions, none critical, the alternative
/// names sorted and present even when there are none.
fn onap(template: &Template, issuer: Option<&Name>) -> Result<CertRequest, Unencodable> {
    Ok(CertRequest {
        // CertService draws a random number here; every CA takes 0, and some (OpenSSL's) nothing else.
        cert_req_id: CertReqId::FIRST,
        cert_template: CertTemplate {
            version: Some(2),
            serial_number: Some(Int::new(&[0])?),
            signing_alg: Some(sha256_with_rsa(Some(Any::from(Null)))?),
            issuer: issuer.cloned(),
            validity: Some(validity(template).unwrap_or_default()),
            subject: Some(template.subject.clone()),
            public_key: Some(public_key(template)?),
            extensions: Some(onap_extensions(template)?),
            ..CertTemplate::default()
        },
        controls: None,
    })
}

fn onap_extensions(template: &Template) -> Result<Extensions, Unencodable> {
    let key_usage = template.key_usage.unwrap_or(
        KeyUsages::DIGITAL_SIGNATURE | KeyUsages::NON_REPUDIATION | KeyUsages::KEY_ENCIPHERMENT,
    );
    let ext_key_usage = match template.ext_key_usage.as_slice() {
        [] => vec![usage::CLIENT_AUTH, usage::SERVER_AUTH],
        asked => asked.to_vec(),
    };
    let mut sans = template.sans.clone();
    sans.sort_by_cached_key(sort_text);
    let mut list = vec![
        extension("2.5.29.15", key_usage.to_der()?)?,
        extension("2.5.29.37", ext_key_usage.to_der()?)?,
        extension("2.5.29.17", general_name::list_to_der(&sans)?)?,
    ];
    // ONAP's client never asked for more; whoever does gets it after the three.
    let known = |id: &ObjectIdentifier| {
        list.iter()
            .any(|extension: &Extension| extension.extn_id == *id)
    };
    let more: Vec<_> = template
        .extensions()?
        .into_iter()
        .filter(|extension| !known(&extension.extn_id))
        .collect();
    list.extend(more);
    Ok(list.into())
}

fn extension(id: &str, value: Vec<u8>) -> Result<Extension, Unencodable> {
    let extn_id = ObjectIdentifier::new(id).map_err(|error| Unencodable(error.to_string()))?;
    Ok(Extension {
        extn_id,
        critical: false,
        extn_value: OctetString::new(value)?,
    })
}

/// `<tag number>: <value>`, the text ONAP's client sorts names by; addresses as hexadecimal.
fn sort_text(name: &GeneralName) -> String {
    match name {
        GeneralName::Other { type_id, value } => format!("0: [{type_id}, {}]", hex::encode(value)),
        GeneralName::Email(text) => format!("1: {text}"),
        GeneralName::Dns(text) => format!("2: {text}"),
        GeneralName::X400(content) => format!("3: {}", hex::encode(content)),
        GeneralName::Directory(name) => format!("4: {}", pki::name::onap::display(name)),
        GeneralName::EdiParty(content) => format!("5: {}", hex::encode(content)),
        GeneralName::Uri(text) => format!("6: {text}"),
        GeneralName::Ip(std::net::IpAddr::V4(address)) => {
            format!("7: #{}", hex::encode(address.octets()))
        }
        GeneralName::Ip(std::net::IpAddr::V6(address)) => {
            format!("7: #{}", hex::encode(address.octets()))
        }
        GeneralName::RegisteredId(oid) => format!("8: {oid}"),
    }
}

/// The algorithm of a POP signature as it stands in the request: ONAP leaves the NULL of RSA out, everyone else has it.
pub(crate) fn pop_algorithm(dialect: Dialect, algorithm: &AlgorithmId) -> AlgorithmId {
    let is_rsa = matches!(
        SignatureScheme::try_from(algorithm),
        Ok(SignatureScheme::RsaPkcs1(_))
    );
    match dialect {
        Dialect::Onap if is_rsa => AlgorithmId {
            oid: algorithm.oid,
            parameters: None,
        },
        _ => algorithm.clone(),
    }
}

/// Issuer and serial number of a certificate (RFC 4211 section 6.5).
pub(crate) fn cert_id(certificate: &Certificate) -> Result<CertId, Unencodable> {
    Ok(CertId {
        issuer: GeneralName::Directory(certificate.issuer().clone()),
        serial_number: Int::new(certificate.serial())?,
    })
}

fn validity(template: &Template) -> Option<OptionalValidity> {
    let asked = template.validity;
    let validity = OptionalValidity {
        not_before: asked.not_before.map(Time::from),
        not_after: asked.not_after.map(Time::from),
    };
    (validity != OptionalValidity::default()).then_some(validity)
}

fn public_key(
    template: &Template,
) -> Result<x509_cert::spki::SubjectPublicKeyInfoOwned, Unencodable> {
    Ok(x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(
        template.public_key.spki_der(),
    )?)
}

fn sha256_with_rsa(parameters: Option<Any>) -> Result<AlgorithmId, Unencodable> {
    let algorithm = SignatureScheme::RsaPkcs1(HashAlgorithm::Sha256).identifier();
    let oid = algorithm
        .map_err(|error| Unencodable(error.to_string()))?
        .oid;
    Ok(AlgorithmId { oid, parameters })
}
