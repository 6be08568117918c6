//! [`TokenKey`]: a private key in a token.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use der::asn1::{Any, BitString, OctetString, UintRef};
use der::{Decode, Encode, Sequence};
use spki::SubjectPublicKeyInfoOwned;

use super::error::is_loss;
use super::pool::Pool;
use super::scheme::{self, Asked};
use super::session::{Open, Trouble};
use super::uri::KeyName;
use super::{KeyUri, TokenError, TokenSettings};
use crate::algorithm::{EC_PUBLIC_KEY, ED25519, RSA_ENCRYPTION, SignatureScheme};
use crate::signer::{SignError, Signer};
use crate::{AlgorithmId, ObjectIdentifier, PublicKey};

/// A private key in a token. Cheap to clone; all keys of a token share its sessions.
#[derive(Clone)]
pub struct TokenKey {
    pool: Arc<Pool>,
    known: Arc<Known>,
}

/// What is known of a key outside of its token.
struct Known {
    name: KeyName,
    public: PublicKey,
    scheme: SignatureScheme,
    algorithm: AlgorithmId,
}

impl TokenKey {
    /// Finds the key, reads its public half and has it sign once, so that what cannot work shows now. `expected` is the public key of
    /// its certificate, where there is one: needed when the token does not show the public half, and compared with it otherwise.
    ///
    /// Holds this thread while the token is asked, at most twice the time-out.
    ///
    /// # Errors
    /// Any [`TokenError`].
    pub fn open(
        settings: &TokenSettings,
        uri: &KeyUri,
        expected: Option<&PublicKey>,
    ) -> Result<Self, TokenError> {
        let pool = Pool::of(settings, &uri.token)?;
        let name = uri.key.clone();
        let shown = pool.ask_now(move |open| public_key(open, &name))?;
        let public = match (shown, expected) {
            (Some(shown), Some(expected)) if shown != *expected => {
                return Err(TokenError::OtherKey);
            }
            (Some(public), _) => public,
            (None, Some(expected)) => expected.clone(),
            (None, None) => return Err(TokenError::NoPublicKey(uri.key.to_string())),
        };
        let scheme = scheme::choose(public.kind(), uri.scheme)?;
        let algorithm = scheme.identifier();
        let known = Known {
            name: uri.key.clone(),
            public,
            scheme,
            algorithm: algorithm.map_err(|error| TokenError::Unusable(error.to_string()))?,
        };
        let key = Self {
            pool,
            known: Arc::new(known),
        };
        let trial = Bytes::from_static(b"a trial signature, thrown away");
        key.pool.ask_now(key.signing(trial))?;
        Ok(key)
    }

    fn signing(
        &self,
        message: Bytes,
    ) -> impl Fn(&mut Open) -> Result<Bytes, Trouble> + Send + Sync + 'static {
        let known = Arc::clone(&self.known);
        move |open| known.sign(open, &message)
    }
}

impl Known {
    /// One signature, verified: that a token is faulty, or another one in its place, must not show first at whoever relies on what was
    /// signed.
    fn sign(&self, open: &mut Open, message: &[u8]) -> Result<Bytes, Trouble> {
        let key = open.key(&self.name)?;
        let asked = Asked::of(self.scheme, message)?;
        let made = open.session.sign(&asked.mechanism, key, &asked.octets)?;
        let signature = scheme::encoded(self.scheme, made)?;
        let verified = self.public.verify(&self.algorithm, message, &signature);
        verified.map_err(|_| TokenError::WrongSignature)?;
        Ok(signature)
    }
}

#[async_trait]
impl Signer for TokenKey {
    fn public_key(&self) -> &PublicKey {
        &self.known.public
    }

    fn algorithm(&self) -> &AlgorithmId {
        &self.known.algorithm
    }

    async fn sign(&self, message: &[u8]) -> Result<Bytes, SignError> {
        let work = self.signing(Bytes::copy_from_slice(message));
        Ok(self.pool.ask(work).await?)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Known { name, public, .. } = &*self.known;
        write!(f, "TokenKey({name}, {})", public.kind())
    }
}

/// The public half, where the token shows it: with the private key, or as an object beside it.
fn public_key(open: &mut Open, name: &KeyName) -> Result<Option<PublicKey>, Trouble> {
    let key = open.key(name)?;
    let private = Attributes::of(open, key)?;
    if private.each_time {
        let why = "it wants the PIN anew for each signature (CKA_ALWAYS_AUTHENTICATE)";
        return Err(TokenError::Unusable(why.into()).into());
    }
    if let Some(public) = private.public_key() {
        return Ok(Some(public?));
    }
    let beside = match &private.id {
        Some(id) => KeyName {
            id: Some(id.clone()),
            label: None,
        },
        None => name.clone(),
    };
    match open.find(ObjectClass::PUBLIC_KEY, &beside)?.as_slice() {
        [public] => {
            let public = Attributes::of(open, *public)?;
            Ok(public.public_key().transpose()?)
        }
        _ => Ok(None),
    }
}

/// What a token says of a key.
#[derive(Default)]
struct Attributes {
    kind: Option<KeyType>,
    each_time: bool,
    id: Option<Vec<u8>>,
    info: Option<Vec<u8>>,
    modulus: Option<Vec<u8>>,
    exponent: Option<Vec<u8>>,
    curve: Option<Vec<u8>>,
    point: Option<Vec<u8>>,
}

impl Attributes {
    fn of(open: &Open, key: ObjectHandle) -> Result<Self, Trouble> {
        let mut found = Self::default();
        // One by one: some tokens refuse all of a question for one attribute they do not have.
        for wanted in [
            AttributeType::KeyType,
            AttributeType::AlwaysAuthenticate,
            AttributeType::Id,
            AttributeType::PublicKeyInfo,
            AttributeType::Modulus,
            AttributeType::PublicExponent,
            AttributeType::EcParams,
            AttributeType::EcPoint,
        ] {
            let said = match open.session.get_attributes(key, &[wanted]) {
                Ok(said) => said,
                Err(error) if is_loss(&error) => return Err(error.into()),
                Err(_) => continue,
            };
            for attribute in said {
                found.take(attribute);
            }
        }
        Ok(found)
    }

    fn take(&mut self, attribute: Attribute) {
        let some = |octets: Vec<u8>| (!octets.is_empty()).then_some(octets);
        match attribute {
            Attribute::KeyType(kind) => self.kind = Some(kind),
            Attribute::AlwaysAuthenticate(each_time) => self.each_time = each_time,
            Attribute::Id(id) => self.id = some(id),
            Attribute::PublicKeyInfo(info) => self.info = some(info),
            Attribute::Modulus(modulus) => self.modulus = some(modulus),
            Attribute::PublicExponent(exponent) => self.exponent = some(exponent),
            Attribute::EcParams(curve) => self.curve = some(curve),
            Attribute::EcPoint(point) => self.point = some(point),
            _ => {}
        }
    }

    /// None where something is missing.
    fn public_key(&self) -> Option<Result<PublicKey, TokenError>> {
        if let Some(info) = &self.info {
            return Some(read(info.clone()));
        }
        let spki = match self.kind? {
            KeyType::RSA => rsa(self.modulus.as_ref()?, self.exponent.as_ref()?),
            KeyType::EC => ec(self.curve.as_ref()?, self.point.as_ref()?),
            KeyType::EC_EDWARDS => ed25519(self.point.as_ref()?),
            _ => return None,
        };
        let malformed = |error: der::Error| TokenError::Unusable(error.to_string());
        Some(spki.map_err(malformed).and_then(read))
    }
}

fn read(spki: Vec<u8>) -> Result<PublicKey, TokenError> {
    PublicKey::from_spki_der(spki).map_err(|error| TokenError::Unusable(error.to_string()))
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> der::Result<Vec<u8>> {
    #[derive(Sequence)]
    struct RsaPublicKey<'a> {
        modulus: UintRef<'a>,
        exponent: UintRef<'a>,
    }
    let key = RsaPublicKey {
        modulus: UintRef::new(modulus)?,
        exponent: UintRef::new(exponent)?,
    };
    spki(RSA_ENCRYPTION, Some(Any::null()), &key.to_der()?)
}

fn ec(curve: &[u8], point: &[u8]) -> der::Result<Vec<u8>> {
    spki(
        EC_PUBLIC_KEY,
        Some(Any::from_der(curve)?),
        &unwrapped(point),
    )
}

fn ed25519(point: &[u8]) -> der::Result<Vec<u8>> {
    spki(ED25519, None, &unwrapped(point))
}

/// CKA_EC_POINT is an OCTET STRING with the point in it; some tokens leave the wrapping out.
fn unwrapped(point: &[u8]) -> Vec<u8> {
    OctetString::from_der(point).map_or_else(|_| point.to_vec(), |inner| inner.as_bytes().to_vec())
}

fn spki(oid: ObjectIdentifier, parameters: Option<Any>, key: &[u8]) -> der::Result<Vec<u8>> {
    let spki = SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmId { oid, parameters },
        subject_public_key: BitString::from_bytes(key)?,
    };
    spki.to_der()
}
