//! A body to the line's request.

use api::v2::{Lifetime, UsageTarget};
use api::{ProblemSlug, v2};
use bytes::Bytes;
use jiff::Timestamp;
use pki::{CaConstraint, Certificate, Csr, KeyUsages, ObjectIdentifier, Template};
use ra::{
    ConfirmedBy, Correlation, EnrollRequest, Key, Label, Original, ProfileName, Proof, Replaces,
    Sealed,
};

use super::Failure;
use super::body::Form;
use super::json::json;

const LONGEST_PROFILE: usize = 100;

/// A request for a certificate that was read.
pub(super) struct Asked {
    csr: Csr,
    wanted: Template,
    duration: Option<Lifetime>,
    profile: Option<ProfileName>,
    replaces: Option<Replaces>,
    fingerprint: [u8; 32],
}

impl Asked {
    /// Reads a body of this form, sent to this label.
    ///
    /// # Errors
    /// 400 `bad-csr` or `bad-request`, naming the member.
    pub(super) fn read(form: Form, body: Bytes, label: &Label) -> Result<Self, Failure> {
        let (csr, more) = match form {
            Form::Pkcs10 => (Csr::from_der(body), None),
            Form::Pem => (Csr::from_pem(&body), None),
            Form::Json => {
                let more: v2::EnrollRequest = json(&body)?;
                (Csr::from_pem(more.csr.as_bytes()), Some(more))
            }
        };
        let bad_csr = |e: pki::CsrError| Failure::new(ProblemSlug::BadCsr, e.to_string());
        let csr = csr.map_err(bad_csr)?;
        let wanted = csr.template().map_err(bad_csr)?;
        let more = more.unwrap_or_else(|| v2::EnrollRequest::new(""));
        Self::with(csr, wanted, &more, label)
    }

    fn with(
        csr: Csr,
        mut wanted: Template,
        more: &v2::EnrollRequest,
        label: &Label,
    ) -> Result<Self, Failure> {
        usages(&more.usages, &mut wanted)?;
        match more.is_ca {
            None => {}
            Some(false) => wanted.ca = None,
            Some(true) => {
                wanted.ca.get_or_insert(CaConstraint { path_len: None });
            }
        }
        if more
            .profile
            .as_ref()
            .is_some_and(|name| name.len() > LONGEST_PROFILE)
        {
            let detail = format!("profile: a name has at most {LONGEST_PROFILE} bytes");
            return Err(Failure::bad_request(detail));
        }
        let replaces = more
            .replaces
            .as_ref()
            .map(|old| replaces(old, &csr))
            .transpose()?;
        let fingerprint = fingerprint(label, &csr, more, replaces.as_ref());
        Ok(Self {
            csr,
            wanted,
            duration: more.duration,
            profile: more.profile.as_deref().map(ProfileName::new),
            replaces,
            fingerprint,
        })
    }

    /// SHA-256 of what makes it this request. The proof is not in it: an ECDSA signature is another one each time it is made.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// The line's request.
    ///
    /// # Errors
    /// 400 when the duration leads past the year 9999.
    pub(super) fn into_request(
        self,
        key: Key,
        label: Label,
        now: Timestamp,
        correlation: Option<Correlation>,
    ) -> Result<EnrollRequest, Failure> {
        let lifetime = self.duration.map(|duration| {
            let until = duration.after(now);
            until.map(|until| until.duration_since(now))
        });
        let lifetime = lifetime
            .transpose()
            .map_err(|e| Failure::bad_request(format!("duration: {e}")))?;
        Ok(EnrollRequest {
            key,
            fingerprint: self.fingerprint,
            label,
            profile: self.profile,
            wanted: self.wanted,
            lifetime,
            proof: Proof::Signature {
                over: Bytes::copy_from_slice(self.csr.to_be_signed()),
                algorithm: self.csr.signature_algorithm().clone(),
                signature: Bytes::copy_from_slice(self.csr.signature()),
            },
            original: Some(Original::CertificationRequest(self.csr.der().clone())),
            replaces: self.replaces,
            confirmed_by: ConfirmedBy::Ra,
            front: Sealed::default(),
            correlation,
        })
    }
}

/// A certificate in a member of a JSON body.
///
/// # Errors
/// 400 that names the member.
pub(super) fn certificate(member: &str, text: &str) -> Result<Certificate, Failure> {
    Certificate::from_pem(text.as_bytes())
        .map_err(|e| Failure::bad_request(format!("{member}: {e}")))
}

/// Everything that makes a request this one, each part with its length before it.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut text = Vec::new();
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part);
    }
    pki::digest::sha256(&text)
}

fn fingerprint(
    label: &Label,
    csr: &Csr,
    more: &v2::EnrollRequest,
    replaces: Option<&Replaces>,
) -> [u8; 32] {
    let duration = more.duration.map(|d| d.to_string()).unwrap_or_default();
    let usages: Vec<&str> = more.usages.iter().map(|usage| usage.as_str()).collect();
    let old = replaces.map(|old| old.certificate.der().as_ref());
    digest(&[
        b"v2-enroll",
        label.as_str().as_bytes(),
        csr.der(),
        duration.as_bytes(),
        usages.join(",").as_bytes(),
        more.profile.as_deref().unwrap_or_default().as_bytes(),
        format!("{:?}", more.is_ca).as_bytes(),
        old.unwrap_or_default(),
    ])
}

/// The usages by name, in place of those in the CSR.
fn usages(named: &[v2::Usage], wanted: &mut Template) -> Result<(), Failure> {
    const BITS: [KeyUsages; 9] = [
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
    if named.is_empty() {
        return Ok(());
    }
    let unknown = |usage: &v2::Usage| Failure::bad_request(format!("usages: `{usage}`"));
    wanted.key_usage = None;
    wanted.ext_key_usage.clear();
    for usage in named {
        match usage.target() {
            UsageTarget::KeyUsage(bit) => {
                let bit = BITS.get(usize::from(bit)).ok_or_else(|| unknown(usage))?;
                wanted.key_usage = Some(wanted.key_usage.unwrap_or(KeyUsages::NONE).union(*bit));
            }
            UsageTarget::ExtKeyUsage(oid) => {
                let oid = ObjectIdentifier::new(oid).map_err(|_| unknown(usage))?;
                if !wanted.ext_key_usage.contains(&oid) {
                    wanted.ext_key_usage.push(oid);
                }
            }
        }
    }
    Ok(())
}

/// Without a signature it is the connection that has to show possession of the old key; whether it does is for the line to say.
fn replaces(old: &v2::Replaces, csr: &Csr) -> Result<Replaces, Failure> {
    let certificate = certificate("replaces.certificate", &old.certificate)?;
    let proof = match &old.proof {
        None => Proof::Channel,
        Some(proof) => {
            let algorithm = proof.algorithm.algorithm_identifier();
            let unreadable = |e| Failure::bad_request(format!("replaces.proof.algorithm: {e}"));
            Proof::Signature {
                over: csr.der().clone(),
                algorithm: pki::algorithm::identifier_from_der(algorithm).map_err(unreadable)?,
                signature: Bytes::copy_from_slice(&proof.signature),
            }
        }
    };
    Ok(Replaces { certificate, proof })
}
