//! CA certificates that are met again and again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::certificate::{Certificate, CertificateError};

/// The CA certificates that came with answers, read once. The same few come with every answer, and a [`Certificate`] remembers that its signature was verified: reading
/// and verifying them anew costs more than anything else in an answer. Nothing in here is trusted for being here.
#[derive(Debug, Default)]
pub struct KnownCas(Mutex<VecDeque<Certificate>>);

/// Whoever meets more than these reads some again.
const MOST: usize = 32;

impl KnownCas {
    /// A certificate in DER; one that was met before where it is a CA's.
    ///
    /// # Errors
    /// See [`Certificate::from_der`].
    pub fn read(&self, der: &[u8]) -> Result<Certificate, CertificateError> {
        let known = self.kept().iter().find(|kept| kept.der() == der).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        // A copy: what is kept here must not keep the message it came in.
        let read = Certificate::from_der(Bytes::copy_from_slice(der))?;
        if read.is_ca() {
            let mut kept = self.kept();
            if kept.len() == MOST {
                kept.pop_front();
            }
            kept.push_back(read.clone());
        }
        Ok(read)
    }

    /// Every certificate of a PEM text, as [`Certificate::all_from_pem`] does.
    ///
    /// # Errors
    /// As there.
    pub fn read_pem(&self, text: &[u8]) -> Result<Vec<Certificate>, CertificateError> {
        Certificate::each_of_pem(text, |der| self.read(der))
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Certificate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::issue::{Serial, TbsParameters, assemble};
    use crate::{CaConstraint, KeyKind, PrivateKey, Template};

    fn certificate(ca: bool) -> Certificate {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let mut template = Template::new(
            crate::name::onap::parse("O=Test,CN=CA").unwrap(),
            key.public_key().clone(),
        );
        template.ca = ca.then(CaConstraint::default);
        let (from, serial) = (Timestamp::now(), Serial::random().unwrap());
        let until = from + SignedDuration::from_hours(1);
        let parameters = TbsParameters::self_signed(template, serial, from, until);
        let tbs = parameters.to_be_signed(key.algorithm()).unwrap();
        assemble(&tbs, key.algorithm(), &key.sign_now(&tbs).unwrap()).unwrap()
    }

    #[test]
    fn ca_certificates_are_kept_once_and_others_are_not() {
        let known = KnownCas::default();
        let (ca, leaf) = (certificate(true), certificate(false));
        for certificate in [&ca, &leaf, &ca] {
            assert_eq!(known.read(certificate.der()).unwrap(), *certificate);
        }
        assert_eq!(known.kept().len(), 1);
    }

    #[test]
    fn the_oldest_makes_room() {
        let known = KnownCas::default();
        let first = certificate(true);
        known.read(first.der()).unwrap();
        for _ in 0..MOST {
            known.read(certificate(true).der()).unwrap();
        }
        let kept = known.kept();
        assert_eq!(kept.len(), MOST);
        assert!(kept.iter().all(|kept| kept.der() != first.der()));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_is_not_kept() {
        let known = KnownCas::default();
        known.read(&[0x30, 0]).unwrap_err();
        assert!(known.kept().is_empty());
    }
}
