//! A walk over the outside of a PKCS#12 file that decrypts nothing: is it whole, does its protection exist, and how much work
//! would opening it be.
//!
//! What stands inside encrypted content cannot be seen here. That is why encrypted content without a MAC is refused: with
//! one, whoever wrote what is inside knew the password.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode as _, Encode as _, Sequence};
use pkcs8::pkcs5::pbes2;
use spki::AlgorithmIdentifierRef;

use super::super::{Format, KeystoreError};

/// The most iterations of one key derivation. Java uses 10,000, OpenSSL 2,048, careful tools 600,000.
const MAX_ITERATIONS: u64 = 1_000_000;
/// The most iterations of all of a file's key derivations together.
const MAX_TOTAL_ITERATIONS: u64 = 4_000_000;
/// The most memory of one scrypt, in bytes.
const MAX_SCRYPT_BYTES: u64 = 64 << 20;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const SHROUDED_KEY_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBMAC1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.14");
const SHA1_3DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const SHA1_RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");

/// What the outside shows.
pub(super) struct Outline {
    pub(super) has_mac: bool,
    pub(super) is_encrypted: bool,
    /// The same file without its MAC.
    pub(super) without_mac: Vec<u8>,
}

#[derive(Sequence)]
struct Pfx<'a> {
    version: u8,
    auth_safe: ContentInfo<'a>,
    mac_data: Option<MacData<'a>>,
}

#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: AnyRef<'a>,
}

#[derive(Sequence)]
struct MacData<'a> {
    mac: DigestInfo<'a>,
    salt: &'a OctetStringRef,
    #[asn1(default = "one")]
    iterations: u64,
}

fn one() -> u64 {
    1
}

#[derive(Sequence)]
struct DigestInfo<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    digest: &'a OctetStringRef,
}

#[derive(Sequence)]
struct EncryptedData<'a> {
    version: u8,
    content: EncryptedContentInfo<'a>,
}

#[derive(Sequence)]
struct EncryptedContentInfo<'a> {
    content_type: ObjectIdentifier,
    algorithm: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    content: Option<&'a OctetStringRef>,
}

#[derive(Sequence)]
struct SafeBag<'a> {
    id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    value: AnyRef<'a>,
    #[asn1(optional = "true")]
    attributes: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct EncryptedPrivateKeyInfo<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    data: &'a OctetStringRef,
}

/// RFC 7292 appendix C.
#[derive(Sequence)]
struct PbeParameters<'a> {
    salt: &'a OctetStringRef,
    iterations: u64,
}

pub(super) fn check(bytes: &[u8]) -> Result<Outline, KeystoreError> {
    check_whole(bytes)?;
    let mut pfx = Pfx::from_der(bytes).map_err(malformed)?;
    if pfx.version != 3 {
        return Err(malformed(format!("version {}, not 3", pfx.version)));
    }
    if pfx.auth_safe.content_type != DATA {
        return Err(unsupported(
            "is not protected by a password but by a signature",
        ));
    }
    let mut work = Work::default();
    if let Some(mac) = &pfx.mac_data {
        if mac.mac.algorithm.oid == PBMAC1 {
            return Err(unsupported("has a PBMAC1 integrity check (RFC 9579)"));
        }
        work.add(mac.iterations)?;
    }

    let mut is_encrypted = false;
    for safe in octets_as::<Vec<ContentInfo<'_>>>(&pfx.auth_safe.content)? {
        match safe.content_type {
            DATA => {
                for bag in octets_as::<Vec<SafeBag<'_>>>(&safe.content)? {
                    if bag.id == SHROUDED_KEY_BAG {
                        is_encrypted = true;
                        let key = bag.value.decode_as::<EncryptedPrivateKeyInfo<'_>>();
                        work.add_pbe(&key.map_err(malformed)?.algorithm)?;
                    }
                }
            }
            ENCRYPTED_DATA => {
                is_encrypted = true;
                let data = safe.content.decode_as::<EncryptedData<'_>>();
                work.add_pbe(&data.map_err(malformed)?.content.algorithm)?;
            }
            other => return Err(unsupported(&format!("has content of type {other}"))),
        }
    }
    let has_mac = pfx.mac_data.take().is_some();
    if is_encrypted && !has_mac {
        return Err(unsupported(
            "is encrypted but has no integrity check (-nomac)",
        ));
    }
    Ok(Outline {
        has_mac,
        is_encrypted,
        without_mac: pfx.to_der().map_err(malformed)?,
    })
}

/// Compares the length that the outermost SEQUENCE announces with the length there is.
fn check_whole(bytes: &[u8]) -> Result<(), KeystoreError> {
    let truncated = |missing| KeystoreError::Truncated {
        format: Format::Pkcs12,
        missing,
    };
    let first = *bytes.get(1).ok_or_else(|| truncated(1))?;
    let (header, length) = match first {
        0..=0x7f => (2, usize::from(first)),
        0x80 => return Err(unsupported("is BER of indefinite length")),
        _ => {
            let digits = usize::from(first & 0x7f);
            if digits > 4 {
                return Err(malformed("a length of more than four bytes"));
            }
            let digits = bytes.get(2..2 + digits).ok_or_else(|| truncated(digits))?;
            let length = digits
                .iter()
                .fold(0, |sum, &digit| sum << 8 | usize::from(digit));
            (2 + digits.len(), length)
        }
    };
    match (header + length).checked_sub(bytes.len()) {
        Some(0) => Ok(()),
        Some(missing) => Err(truncated(missing)),
        None => Err(malformed(format!(
            "{} bytes after its end",
            bytes.len() - header - length
        ))),
    }
}

/// The work that opening the file will be.
#[derive(Default)]
struct Work {
    iterations: u64,
}

impl Work {
    fn add(&mut self, iterations: u64) -> Result<(), KeystoreError> {
        bounded(
            "iterations of a key derivation:",
            iterations,
            MAX_ITERATIONS,
        )?;
        self.iterations += iterations;
        bounded("iterations in all:", self.iterations, MAX_TOTAL_ITERATIONS)
    }

    fn add_pbe(&mut self, algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), KeystoreError> {
        let parameters = || {
            algorithm
                .parameters
                .ok_or_else(|| malformed("an encryption without parameters"))
        };
        match algorithm.oid {
            PBES2 => {
                let parameters: pbes2::Parameters = parameters()?.decode_as().map_err(malformed)?;
                match parameters.kdf {
                    pbes2::Kdf::Pbkdf2(kdf) => self.add(kdf.iteration_count.into()),
                    pbes2::Kdf::Scrypt(kdf) => {
                        let bytes = kdf
                            .cost_parameter
                            .saturating_mul(128)
                            .saturating_mul(kdf.block_size.into());
                        bounded("bytes of memory for scrypt:", bytes, MAX_SCRYPT_BYTES)?;
                        bounded("scrypt lanes:", kdf.parallelization.into(), 4)?;
                        // As slow as some 300,000 iterations of PBKDF2 for each 64 MiB and lane.
                        self.add((bytes >> 8).saturating_mul(kdf.parallelization.into()))
                    }
                    _ => Err(unsupported("has an unknown key derivation")),
                }
            }
            SHA1_3DES | SHA1_RC2_40 => {
                let parameters: PbeParameters<'_> = parameters()?.decode_as().map_err(malformed)?;
                self.add(parameters.iterations)
            }
            other => Err(unsupported(&format!("is encrypted with {other}"))),
        }
    }
}

fn octets_as<'a, T: der::Decode<'a, Error = der::Error>>(
    content: &AnyRef<'a>,
) -> Result<T, KeystoreError> {
    let octets: &'a OctetStringRef = content.decode_as().map_err(malformed)?;
    T::from_der(octets.as_bytes()).map_err(malformed)
}

fn bounded(what: &'static str, value: u64, max: u64) -> Result<(), KeystoreError> {
    if value <= max {
        return Ok(());
    }
    Err(KeystoreError::Excessive {
        format: Format::Pkcs12,
        what,
        value,
        max,
    })
}

fn malformed(detail: impl std::fmt::Display) -> KeystoreError {
    KeystoreError::Malformed {
        format: Format::Pkcs12,
        detail: detail.to_string(),
    }
}

fn unsupported(what: &str) -> KeystoreError {
    KeystoreError::Unsupported(format!(
        "the PKCS#12 keystore {what}, which is not read; convert it: \
         openssl pkcs12 -in OLD -nodes | openssl pkcs12 -export -out NEW"
    ))
}

#[cfg(test)]
mod tests {
    use der::Any;
    use pkcs8::pkcs5::scrypt;
    use spki::AlgorithmIdentifierOwned;

    use super::*;

    fn judge(algorithm: &AlgorithmIdentifierOwned) -> Result<(), KeystoreError> {
        let der = algorithm.to_der().unwrap();
        Work::default().add_pbe(&AlgorithmIdentifierRef::from_der(&der).unwrap())
    }

    fn identifier(
        oid: ObjectIdentifier,
        parameters: &impl der::Encode,
    ) -> AlgorithmIdentifierOwned {
        let parameters = Some(Any::from_der(&parameters.to_der().unwrap()).unwrap());
        AlgorithmIdentifierOwned { oid, parameters }
    }

    fn sha1_3des(iterations: u64) -> AlgorithmIdentifierOwned {
        let salt = OctetStringRef::new(&[0; 8]).unwrap();
        identifier(SHA1_3DES, &PbeParameters { salt, iterations })
    }

    fn pbkdf2(iterations: u32) -> AlgorithmIdentifierOwned {
        let mut parameters =
            pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(1, &[0; 16], [0; 16]).unwrap();
        if let pbes2::Kdf::Pbkdf2(kdf) = &mut parameters.kdf {
            kdf.iteration_count = iterations;
        }
        identifier(PBES2, &parameters)
    }

    fn scrypt(log_n: u8, r: u32, p: u32) -> AlgorithmIdentifierOwned {
        let work = scrypt::Params::new(log_n, r, p).unwrap();
        let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(work, &[0; 16], [0; 16]);
        identifier(PBES2, &parameters.unwrap())
    }

    #[test]
    fn key_derivations_are_bounded_in_every_scheme() {
        for good in [
            sha1_3des(MAX_ITERATIONS),
            pbkdf2(1_000_000),
            scrypt(14, 8, 1),
        ] {
            assert!(judge(&good).is_ok());
        }
        for bad in [
            sha1_3des(MAX_ITERATIONS + 1),
            sha1_3des(u64::MAX),
            pbkdf2(1_000_001),
            pbkdf2(u32::MAX),
            scrypt(20, 8, 1),
            scrypt(14, 8, 5),
        ] {
            assert!(matches!(judge(&bad), Err(KeystoreError::Excessive { .. })));
        }
    }

    #[test]
    fn many_key_derivations_are_bounded_together() {
        let mut work = Work::default();
        let most = MAX_TOTAL_ITERATIONS / MAX_ITERATIONS;
        assert!((0..most).all(|_| work.add(MAX_ITERATIONS).is_ok()));
        assert!(matches!(work.add(1), Err(KeystoreError::Excessive { .. })));
    }
}
