//! Certification authorities made for one test, by a library that is not under test.

use jiff::Timestamp;
use pki::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// The moment at which everything happens: certificates made here are valid from 2020 to 2040.
pub(crate) fn now() -> Timestamp {
    "2030-01-01T00:00:00Z".parse().unwrap()
}

/// A CA: a name, a key, and one certificate for them.
pub(crate) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pub(crate) certificate: Certificate,
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(name, |_| ())
    }

    pub(crate) fn root_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (params, key) = (ca(name, change), KeyPair::generate().unwrap());
        let certificate = read(&params.self_signed(&key).unwrap());
        Self {
            params,
            key,
            certificate,
        }
    }

    pub(crate) fn sub(&self, name: &str) -> Self {
        self.sub_with(name, |_| ())
    }

    pub(crate) fn sub_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let (params, key) = (ca(name, change), KeyPair::generate().unwrap());
        let certificate = self.sign(&params, &key);
        Self {
            params,
            key,
            certificate,
        }
    }

    pub(crate) fn leaf(&self, name: &str) -> Certificate {
        self.leaf_with(name, |_| ())
    }

    pub(crate) fn leaf_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let mut params = params(name);
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        self.sign(&params, &KeyPair::generate().unwrap())
    }

    /// A certificate for a key made elsewhere.
    pub(crate) fn issue(&self, name: &str, spki_der: &[u8]) -> Certificate {
        let key = rcgen::SubjectPublicKeyInfo::from_der(spki_der).unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        read(&params(name).signed_by(&key, &issuer).unwrap())
    }

    /// A certificate of this CA for the name and key of `other`.
    pub(crate) fn cross(&self, other: &Self) -> Certificate {
        self.cross_with(other, |_| ())
    }

    pub(crate) fn cross_with(
        &self,
        other: &Self,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let mut params = other.params.clone();
        change(&mut params);
        self.sign(&params, &other.key)
    }

    /// One more self-signed certificate for the same name and key.
    pub(crate) fn again(&self, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = self.params.clone();
        change(&mut params);
        read(&params.self_signed(&self.key).unwrap())
    }

    fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Certificate {
        let issuer = Issuer::from_params(&self.params, &self.key);
        read(&params.signed_by(key, &issuer).unwrap())
    }
}

/// An expired certificate's validity.
pub(crate) fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2029, 12, 31);
}

/// The validity of a certificate of the future.
pub(crate) fn not_yet_valid(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2030, 1, 2);
}

fn ca(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    change(&mut params);
    params
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    params
}

fn read(certificate: &rcgen::Certificate) -> Certificate {
    Certificate::from_der(certificate.der().to_vec()).unwrap()
}
