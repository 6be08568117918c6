//! [`Template`]: what is asked of a CA, whatever form it came in.

use der::Encode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use x509_cert::ext::Extension;

use crate::extension::{self, CaConstraint, ExtensionError, Extensions};
use crate::general_name::GeneralName;
use crate::{Certificate, KeyUsages, Name, ObjectIdentifier, PublicKey, der_serde};

/// What is asked of a CA: the content of a PKCS#10 request, of a CRMF template, or of a REST call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// The subject, empty when only the alternative names count.
    #[serde(with = "der_serde")]
    pub subject: Name,
    /// The key to be certified.
    pub public_key: PublicKey,
    /// Subject alternative names, in the order given.
    pub sans: Vec<GeneralName>,
    /// The validity wished for.
    pub validity: RequestedValidity,
    /// Key usages; none leaves them to the CA.
    pub key_usage: Option<KeyUsages>,
    /// Extended key usages; empty leaves them to the CA.
    #[serde(with = "der_serde::list")]
    pub ext_key_usage: Vec<ObjectIdentifier>,
    /// Set when a CA certificate is asked for.
    pub ca: Option<CaConstraint>,
    /// Every other extension asked for, as it came.
    #[serde(with = "der_serde::list")]
    pub other_extensions: Vec<Extension>,
}

/// The validity wished for; what is none is left to the CA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedValidity {
    /// Valid from.
    pub not_before: Option<Timestamp>,
    /// Valid until, inclusive.
    pub not_after: Option<Timestamp>,
}

impl Template {
    /// A template with subject and key and nothing else.
    pub fn new(subject: Name, public_key: PublicKey) -> Self {
        Self {
            subject,
            public_key,
            sans: Vec::new(),
            validity: RequestedValidity::default(),
            key_usage: None,
            ext_key_usage: Vec::new(),
            ca: None,
            other_extensions: Vec::new(),
        }
    }

    /// Whether both have the same subject and the same alternative names, so that what comes of it can stand in for `old`: RDNs in any
    /// order and text in any case, alternative names in any order and exact.
    pub fn has_names_of(&self, old: &Certificate) -> bool {
        let sorted = |names: &[GeneralName]| {
            let mut encoded: Vec<_> = names
                .iter()
                .map(|name| name.to_der().unwrap_or_default())
                .collect();
            encoded.sort();
            encoded
        };
        crate::name::same_name_unordered(&self.subject, old.subject())
            && sorted(&self.sans) == sorted(old.sans())
    }

    /// Take over a list of extensions, as found in a request: the known ones set their fields, the others are appended
    /// to [`Template::other_extensions`].
    ///
    /// # Errors
    /// When a known extension is malformed, one occurs twice, or there are more than 100.
    /// The template may then hold a part of the list.
    pub fn take_extensions(&mut self, list: &[Extension]) -> Result<(), ExtensionError> {
        let found = Extensions::read(list, &mut self.other_extensions)?;
        self.sans.extend(found.sans);
        self.key_usage = found.key_usage.or(self.key_usage);
        self.ext_key_usage
            .extend(found.ext_key_usage.unwrap_or_default());
        self.ca = found.ca.or(self.ca);
        Ok(())
    }

    /// What is asked for as extensions, as a request carries them: only what is set.
    ///
    /// # Errors
    /// When a name cannot be encoded.
    pub fn extensions(&self) -> der::Result<Vec<Extension>> {
        let mut list = Vec::new();
        if self.ca.is_some() {
            list.push(extension::write_basic_constraints(self.ca)?);
        }
        if let Some(usages) = self.key_usage {
            list.push(extension::write_key_usage(usages)?);
        }
        if !self.ext_key_usage.is_empty() {
            list.push(extension::write_ext_key_usage(&self.ext_key_usage)?);
        }
        if !self.sans.is_empty() {
            list.push(extension::write_sans(&self.sans, self.subject.is_empty())?);
        }
        list.extend(self.other_extensions.iter().cloned());
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use der::asn1::OctetString;
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::key;
    use crate::general_name::tests::names;
    use crate::{name, usage};

    fn usages() -> impl Strategy<Value = KeyUsages> {
        (1u16..512).prop_map(|bits| {
            let all = [
                KeyUsages::DIGITAL_SIGNATURE,
                KeyUsages::NON_REPUDIATION,
                KeyUsages::KEY_ENCIPHERMENT,
                KeyUsages::DATA_ENCIPHERMENT,
                KeyUsages::KEY_AGREEMENT,
                KeyUsages::KEY_CERT_SIGN,
                KeyUsages::CRL_SIGN,
                KeyUsages::ENCIPHER_ONLY,
                KeyUsages::DECIPHER_ONLY,
            ];
            let set = all
                .into_iter()
                .enumerate()
                .filter(|(bit, _)| bits >> bit & 1 == 1);
            set.fold(KeyUsages::NONE, |set, (_, usage)| set | usage)
        })
    }

    fn templates() -> impl Strategy<Value = Template> {
        let ca = prop::option::of(prop::option::of(any::<u8>()));
        let time = prop::option::of(
            (0..4_000_000_000i64).prop_map(|at| Timestamp::from_second(at).unwrap()),
        );
        let other = prop::option::of(prop::collection::vec(any::<u8>(), 0..20));
        (
            "[a-z]{0,20}",
            prop::collection::vec(names(), 0..5),
            prop::option::of(usages()),
            any::<bool>(),
            ca,
            (time.clone(), time),
            other,
        )
            .prop_map(|(cn, sans, key_usage, server, ca, (from, until), other)| {
                let subject = name::onap::parse(&format!("CN={cn}")).unwrap_or_default();
                let mut template = Template::new(subject, key("p256-pkcs8").public_key().clone());
                template.sans = sans;
                template.key_usage = key_usage;
                template.ext_key_usage = if server {
                    vec![usage::SERVER_AUTH]
                } else {
                    vec![]
                };
                template.ca = ca.map(|path_len| CaConstraint { path_len });
                template.validity = RequestedValidity {
                    not_before: from,
                    not_after: until,
                };
                template
                    .other_extensions
                    .extend(other.map(|value| Extension {
                        extn_id: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.1.2"),
                        critical: true,
                        extn_value: OctetString::new(value).unwrap(),
                    }));
                template
            })
    }

    proptest! {
        #[test]
        fn a_template_survives_its_extensions_and_storage(template in templates()) {
            let stored = postcard::to_allocvec(&template).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<Template>(&stored).unwrap(), &template);
            let json = serde_json::to_string(&template).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Template>(&json).unwrap(), &template);
            let mut read = Template::new(template.subject.clone(), template.public_key.clone());
            read.validity = template.validity;
            read.take_extensions(&template.extensions().unwrap()).unwrap();
            prop_assert_eq!(read, template);
        }
    }

    #[test]
    fn a_hundred_and_one_extensions_are_refused() {
        let mut template = Template::new(Name::default(), key("p256-pkcs8").public_key().clone());
        let list: Vec<_> = (0..101u32)
            .map(|arc| Extension {
                extn_id: ObjectIdentifier::new(&format!("1.3.6.1.4.1.1.{arc}")).unwrap(),
                critical: false,
                extn_value: OctetString::new([]).unwrap(),
            })
            .collect();
        assert!(template.take_extensions(&list[..100]).is_ok());
        assert!(template.take_extensions(&list).is_err());
    }
}
