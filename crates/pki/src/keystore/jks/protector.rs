//! JavaSoft's key protection: the key XORed with a SHA-1 key stream, and a SHA-1 over password and key.

use der::asn1::OctetString;
use der::{Decode as _, Encode as _, Sequence};
use spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use const_oid::ObjectIdentifier;

use super::super::{Format, KeystoreError};
use super::{SHA1_OUTPUT_LEN, sha1};

const JAVASOFT_KEY_PROTECTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.42.2.17.1.1");

/// Why a protected key stays closed.
pub(super) enum Refused {
    /// The check over password and key fails.
    Password,
    /// The bytes are not a protected key; the text says why.
    Malformed(String),
}

/// PKCS#8 EncryptedPrivateKeyInfo (RFC 5208 section 6), with Sun's algorithm.
#[derive(Sequence)]
struct ProtectedKey {
    algorithm: AlgorithmIdentifierOwned,
    /// Salt (20 bytes), the key under the key stream, SHA-1 over password and key (20 bytes).
    data: OctetString,
}

/// The PKCS#8 bytes under `protected`.
pub(super) fn unprotect(protected: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let protected = ProtectedKey::from_der(protected)
        .map_err(|error| Refused::Malformed(format!("not an EncryptedPrivateKeyInfo: {error}")))?;
    if protected.algorithm.oid != JAVASOFT_KEY_PROTECTION {
        let oid = protected.algorithm.oid;
        return Err(Refused::Malformed(format!("unknown protection {oid}")));
    }
    let data = protected.data.as_bytes();
    let short = || Refused::Malformed("shorter than its salt and check".into());
    let (salt, rest) = data
        .split_first_chunk::<SHA1_OUTPUT_LEN>()
        .ok_or_else(short)?;
    let (hidden, check) = rest
        .split_last_chunk::<SHA1_OUTPUT_LEN>()
        .ok_or_else(short)?;

    let mut key = Zeroizing::new(hidden.to_vec());
    apply_key_stream(&mut key, password, *salt);
    match verify_slices_are_equal(&sha1(&[password, &key]), check) {
        Ok(()) => Ok(key),
        Err(_) => Err(Refused::Password),
    }
}

/// The opposite of [`unprotect`], with a new salt.
pub(super) fn protect(pkcs8: &[u8], password: &[u8]) -> Result<Vec<u8>, KeystoreError> {
    let failed = |detail: &str| KeystoreError::Write {
        format: Format::Jks,
        detail: detail.to_owned(),
    };
    let mut salt = [0; SHA1_OUTPUT_LEN];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| failed("no random bytes"))?;
    let mut data = salt.to_vec();
    let mut hidden = Zeroizing::new(pkcs8.to_vec());
    apply_key_stream(&mut hidden, password, salt);
    data.extend_from_slice(&hidden);
    data.extend_from_slice(&sha1(&[password, pkcs8]));

    let protected = ProtectedKey {
        algorithm: AlgorithmIdentifierOwned {
            oid: JAVASOFT_KEY_PROTECTION,
            parameters: Some(der::Any::null()),
        },
        data: OctetString::new(data).map_err(|error| failed(&error.to_string()))?,
    };
    protected
        .to_der()
        .map_err(|error| failed(&error.to_string()))
}

/// Block n of the key stream is SHA-1 over the password and block n - 1; block 0 is the salt and not used.
fn apply_key_stream(bytes: &mut [u8], password: &[u8], salt: [u8; SHA1_OUTPUT_LEN]) {
    let mut block = Zeroizing::new(salt);
    for chunk in bytes.chunks_mut(SHA1_OUTPUT_LEN) {
        *block = sha1(&[password, &*block]);
        for (byte, key) in chunk.iter_mut().zip(block.iter()) {
            *byte ^= key;
        }
    }
}
