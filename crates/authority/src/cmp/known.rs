use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use pki::Certificate;
use pkixcmp::CmpCertificate;

/// The CA certificates that came with answers, read once. The same few come with every answer, and a [`Certificate`] remembers
/// that its signature was verified: reading and verifying them anew costs more than the MAC of the message. Nothing in here is
/// trusted for being here.
#[derive(Default)]
pub(crate) struct Known(Mutex<VecDeque<Certificate>>);

/// A CA with more than these sends chains that are read again.
const MOST: usize = 32;

impl Known {
    /// A certificate of a message that was believed; none when it cannot be read.
    pub(crate) fn read(&self, certificate: &CmpCertificate) -> Option<Certificate> {
        let der = certificate.der();
        let known = self.kept().iter().find(|kept| kept.der() == der).cloned();
        if known.is_some() {
            return known;
        }
        // A copy: what is kept here must not keep the message it came in.
        let read = Certificate::from_der(Bytes::copy_from_slice(der)).ok()?;
        if read.is_ca() {
            let mut kept = self.kept();
            if kept.len() == MOST {
                kept.pop_front();
            }
            kept.push_back(read.clone());
        }
        Some(read)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Certificate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use pki::issue::{Serial, TbsParameters, assemble};
    use pki::{CaConstraint, KeyKind, PrivateKey, Template};

    use super::*;

    fn certificate(ca: bool) -> CmpCertificate {
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let mut template = Template::new(
            pki::name::onap::parse("O=Test,CN=CA").unwrap(),
            key.public_key().clone(),
        );
        template.ca = ca.then(CaConstraint::default);
        let (from, serial) = (Timestamp::now(), Serial::random().unwrap());
        let until = from + SignedDuration::from_hours(1);
        let parameters = TbsParameters::self_signed(template, serial, from, until);
        let tbs = parameters.to_be_signed(key.algorithm()).unwrap();
        let made = assemble(&tbs, key.algorithm(), &key.sign_now(&tbs).unwrap()).unwrap();
        CmpCertificate::from_der(made.der().clone()).unwrap()
    }

    #[test]
    fn ca_certificates_are_kept_once_and_others_are_not() {
        let known = Known::default();
        let (ca, leaf) = (certificate(true), certificate(false));
        for certificate in [&ca, &leaf, &ca] {
            let read = known.read(certificate).unwrap();
            assert_eq!(read.der(), certificate.der());
        }
        assert_eq!(known.kept().len(), 1);
    }

    #[test]
    fn the_oldest_makes_room() {
        let known = Known::default();
        let first = certificate(true);
        known.read(&first).unwrap();
        for _ in 0..MOST {
            known.read(&certificate(true)).unwrap();
        }
        let kept = known.kept();
        assert_eq!(kept.len(), MOST);
        assert!(kept.iter().all(|kept| kept.der() != first.der()));
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let stray = CmpCertificate::from_der(Bytes::from_static(&[0x30, 0])).unwrap();
        assert_eq!(Known::default().read(&stray), None);
    }
}
