//! A [`CertTemplate`] made of what is asked for, and the other way round.

use der::{Decode, Encode};
use pki::key::KeyError;
use pki::{PublicKey, RequestedValidity, Template};
use spki::SubjectPublicKeyInfoOwned;

use super::{CertTemplate, OptionalValidity};
use crate::error::EncodeError;

/// A template that does not say what [`Template`] needs, or not properly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// There is no public key: the requester wants the CA to make the key pair.
    #[error("the template has no public key")]
    NoPublicKey,
    /// The public key cannot be read.
    #[error("the public key in the template cannot be read: {0}")]
    PublicKey(#[source] KeyError),
    /// A known extension is malformed, or one occurs twice.
    #[error("the extensions in the template cannot be read: {0}")]
    Extensions(#[source] pki::extension::ExtensionError),
}

impl CertTemplate {
    /// Subject, key, extensions, and the validity if one is wished for: what RFC 9483 section 4.1.1 wants and no more.
    ///
    /// # Errors
    /// When a name or extension cannot be encoded, or there are more extensions than [`crate::limits::EXTENSIONS`].
    pub fn from_template(template: &Template) -> Result<Self, EncodeError> {
        let build = || -> der::Result<Self> {
            let extensions = template.extensions()?;
            let RequestedValidity {
                not_before,
                not_after,
            } = template.validity;
            let validity = OptionalValidity {
                not_before: not_before.map(Into::into),
                not_after: not_after.map(Into::into),
            };
            let made = Self {
                subject: Some(template.subject.clone()),
                public_key: Some(SubjectPublicKeyInfoOwned::from_der(
                    template.public_key.spki_der(),
                )?),
                validity: (validity != OptionalValidity::default()).then_some(validity),
                extensions: (!extensions.is_empty()).then(|| extensions.into()),
                ..Self::default()
            };
            // Found out here rather than when the message is made.
            made.encoded_len()?;
            Ok(made)
        };
        build().map_err(|error| EncodeError::new("CertTemplate", error))
    }

    /// What is asked for. Issuer, serial number, version and signing algorithm are not part of that; look at the fields.
    ///
    /// # Errors
    /// When there is no public key, it cannot be read, or an extension cannot.
    pub fn to_template(&self) -> Result<Template, TemplateError> {
        let key = self
            .public_key
            .as_ref()
            .filter(|key| !key.subject_public_key.is_empty())
            .ok_or(TemplateError::NoPublicKey)?;
        let unreadable = |error: der::Error| KeyError::Malformed {
            what: "a public key",
            why: error.to_string(),
        };
        let key = key
            .to_der()
            .map_err(|error| TemplateError::PublicKey(unreadable(error)))?;
        let key = PublicKey::from_spki_der(key).map_err(TemplateError::PublicKey)?;
        let mut template = Template::new(self.subject.clone().unwrap_or_default(), key);
        template
            .take_extensions(self.extensions.as_deref().map_or(&[], Vec::as_slice))
            .map_err(TemplateError::Extensions)?;
        if let Some(validity) = &self.validity {
            template.validity = RequestedValidity {
                not_before: validity.not_before.as_ref().map(super::Time::timestamp),
                not_after: validity.not_after.as_ref().map(super::Time::timestamp),
            };
        }
        Ok(template)
    }
}

#[cfg(test)]
mod tests {
    use pki::{CaConstraint, GeneralName, KeyUsages, usage};

    use super::*;

    const P256: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x6b, 0x17, 0xd1,
        0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03,
        0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
        0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
        0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
        0xf5,
    ];

    fn wanted() -> Template {
        let mut wanted = Template::new(
            "CN=a,O=b".parse().unwrap(),
            PublicKey::from_spki_der(P256).unwrap(),
        );
        wanted.sans = vec![
            GeneralName::Dns("a.example".into()),
            GeneralName::Ip("192.0.2.1".parse().unwrap()),
        ];
        wanted.key_usage = Some(KeyUsages::DIGITAL_SIGNATURE);
        wanted.ext_key_usage = vec![usage::CLIENT_AUTH];
        wanted.ca = Some(CaConstraint { path_len: Some(0) });
        wanted.validity.not_after = Some("2050-01-01T00:00:00Z".parse().unwrap());
        wanted
    }

    #[test]
    fn what_is_asked_for_comes_back() {
        assert_eq!(
            CertTemplate::from_template(&wanted())
                .unwrap()
                .to_template()
                .unwrap(),
            wanted()
        );
    }

    #[test]
    fn what_is_not_asked_for_is_not_in_the_template() {
        let made = CertTemplate::from_template(&Template::new(
            "CN=a".parse().unwrap(),
            wanted().public_key,
        ))
        .unwrap();
        assert_eq!(
            (made.validity, made.extensions, made.version),
            (None, None, None)
        );
    }

    #[test]
    fn a_template_without_a_key_or_with_an_empty_one_asks_for_a_key() {
        let mut made = CertTemplate::from_template(&wanted()).unwrap();
        if let Some(key) = &mut made.public_key {
            key.subject_public_key = der::asn1::BitString::from_bytes(&[]).unwrap();
        }
        assert!(matches!(
            made.to_template(),
            Err(TemplateError::NoPublicKey)
        ));
        made.public_key = None;
        assert!(matches!(
            made.to_template(),
            Err(TemplateError::NoPublicKey)
        ));
    }

    #[test]
    fn a_template_with_an_extension_twice_is_refused() {
        let mut made = CertTemplate::from_template(&wanted()).unwrap();
        if let Some(extensions) = &mut made.extensions {
            let again = extensions[0].clone();
            extensions.push(again);
        }
        assert!(matches!(
            made.to_template(),
            Err(TemplateError::Extensions(_))
        ));
    }

    #[test]
    fn an_empty_validity_wishes_for_nothing() {
        let made = CertTemplate {
            validity: Some(OptionalValidity::default()),
            ..CertTemplate::from_template(&wanted()).unwrap()
        };
        assert_eq!(
            made.to_template().unwrap().validity,
            RequestedValidity::default()
        );
    }
}
