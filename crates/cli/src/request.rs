//! From what is wanted to a request.

use api::v2::EnrollRequest;
use pki::{Csr, GeneralName, Name, PrivateKey, Template, name::onap};

use crate::{
    args::{Connection, Wanted},
    exit::{Exit, Failure},
    job::Intent,
};
use api::client::with_causes;

/// Subject and names of a certificate to be.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The subject; may be empty when there are names.
    pub(crate) subject: Name,
    /// The subject alternative names.
    pub(crate) names: Vec<GeneralName>,
}

impl Identity {
    /// As the options have it; what they leave open is as in `old`.
    pub(crate) fn of(wanted: &Wanted, old: Option<&Self>) -> Result<Self, Failure> {
        let subject = match (&wanted.subject, old) {
            (Some(text), _) if text.is_empty() => Name::default(),
            (Some(text), _) => {
                onap::parse(text).map_err(|e| Failure::usage(format!("--subject: {e}")))?
            }
            (None, Some(old)) => old.subject.clone(),
            (None, None) => Name::default(),
        };
        let given: Vec<_> = wanted
            .san
            .iter()
            .flat_map(|names| names.0.iter().cloned())
            .collect();
        let names = match old {
            Some(old) if given.is_empty() => old.names.clone(),
            _ => given,
        };
        if subject.is_empty() && names.is_empty() {
            return Err(Failure::usage(
                "whose certificate is it to be? Give --subject or --san (or --csr)",
            ));
        }
        Ok(Self { subject, names })
    }

    /// A CSR for it, signed with this key.
    pub(crate) fn csr(&self, key: &PrivateKey) -> Result<Csr, Failure> {
        let mut template = Template::new(self.subject.clone(), key.public_key().clone());
        template.sans.clone_from(&self.names);
        Csr::build(&template, key).map_err(|e| {
            Failure::new(
                Exit::Local,
                format!(
                    "the certificate signing request cannot be made: {}",
                    with_causes(&e)
                ),
            )
        })
    }
}

/// The request around a CSR.
pub(crate) fn around(csr: &Csr, wanted: &Wanted) -> EnrollRequest {
    EnrollRequest {
        duration: wanted.duration,
        usages: wanted.usage.clone(),
        profile: wanted.profile.clone(),
        ..EnrollRequest::new(csr.to_pem())
    }
}

/// What the options ask for, to be compared with what an earlier run asked for. `key` says where the key comes from.
pub(crate) fn intent(connection: &Connection, wanted: &Wanted, key: String) -> Intent {
    Intent {
        url: connection.url.to_string(),
        ca: connection.ca.clone(),
        subject: wanted.subject.clone(),
        sans: wanted
            .san
            .iter()
            .flat_map(|names| names.0.iter().map(ToString::to_string))
            .collect(),
        duration: wanted.duration,
        usages: wanted.usage.clone(),
        profile: wanted.profile.clone(),
        is_ca: false,
        key,
        replaces: None,
        idempotency_key: None,
    }
}
