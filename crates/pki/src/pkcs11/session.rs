//! One session: the token found, the user logged in, keys found.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use secrecy::{ExposeSecret, SecretString};

use super::error::{is_loss, said};
use super::module::module;
use super::uri::{KeyName, TokenName};
use super::{TokenError, TokenSettings};
use crate::{digest, random};

/// A session with a logged-in user, and the keys that were found in it.
pub(super) struct Open {
    pub(super) session: Session,
    keys: HashMap<KeyName, ObjectHandle>,
}

/// Why work in a session did not succeed.
pub(super) enum Trouble {
    Said(Error),
    Other(TokenError),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

impl From<TokenError> for Trouble {
    fn from(error: TokenError) -> Self {
        Self::Other(error)
    }
}

impl Trouble {
    /// Whether a new session may help.
    pub(super) fn is_loss(&self) -> bool {
        matches!(self, Self::Said(error) if is_loss(error))
    }

    pub(super) fn into_error(self) -> TokenError {
        match self {
            Self::Said(error) if is_loss(&error) => TokenError::Lost(said(&error)),
            Self::Said(error) => TokenError::Refused(said(&error)),
            Self::Other(error) => error,
        }
    }
}

impl Open {
    /// A new session. Not to be called for one token by two threads at a time: the second would give a wrong PIN a second time.
    pub(super) fn new(settings: &TokenSettings, token: &TokenName) -> Result<Self, Trouble> {
        let module = module(&settings.module)?;
        let (slot, info) = slot(&module, token)?;
        let session = module.open_ro_session(slot)?;
        if info.login_required() {
            log_in(&session, &info, &settings.module, settings.pin.as_ref())?;
        }
        Ok(Self {
            session,
            keys: HashMap::new(),
        })
    }

    /// The private key of that name.
    pub(super) fn key(&mut self, name: &KeyName) -> Result<ObjectHandle, Trouble> {
        if let Some(key) = self.keys.get(name) {
            return Ok(*key);
        }
        let found = self.find(ObjectClass::PRIVATE_KEY, name)?;
        let key = match found.as_slice() {
            [key] => *key,
            [] => return Err(TokenError::NoKey(name.to_string()).into()),
            _ => return Err(TokenError::SeveralKeys(name.to_string()).into()),
        };
        self.keys.insert(name.clone(), key);
        Ok(key)
    }

    /// Objects of a class that bear that name.
    pub(super) fn find(
        &self,
        class: ObjectClass,
        name: &KeyName,
    ) -> Result<Vec<ObjectHandle>, Error> {
        let mut wanted = vec![Attribute::Class(class)];
        wanted.extend(
            name.label
                .iter()
                .map(|label| Attribute::Label(label.clone().into())),
        );
        wanted.extend(name.id.iter().cloned().map(Attribute::Id));
        self.session.find_objects(&wanted)
    }
}

fn slot(module: &Pkcs11, token: &TokenName) -> Result<(Slot, TokenInfo), Trouble> {
    let mut found = Vec::new();
    for slot in module.get_slots_with_token()? {
        // A token may be taken out in between.
        let Ok(info) = module.get_token_info(slot) else {
            continue;
        };
        let fits = |wanted: &Option<String>, is: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == is.trim_end())
        };
        if info.token_initialized()
            && fits(&token.label, info.label())
            && fits(&token.serial, info.serial_number())
            && fits(&token.manufacturer, info.manufacturer_id())
            && fits(&token.model, info.model())
            && token.slot.is_none_or(|id| id == slot.id())
        {
            found.push((slot, info));
        }
    }
    match found.len() {
        0 => Err(TokenError::NoToken(token.to_string()).into()),
        1 => Ok(found.remove(0)),
        _ => Err(TokenError::SeveralTokens(token.to_string()).into()),
    }
}

fn log_in(
    session: &Session,
    info: &TokenInfo,
    module: &Path,
    pin: Option<&SecretString>,
) -> Result<(), Trouble> {
    if info.user_pin_locked() {
        return Err(TokenError::PinAtRisk("has locked its PIN").into());
    }
    if info.user_pin_final_try() {
        let why = "would lock its PIN after one more wrong attempt";
        return Err(TokenError::PinAtRisk(why).into());
    }
    if pin.is_none() && !info.protected_authentication_path() {
        return Err(TokenError::PinMissing.into());
    }
    let attempt = attempt(info, module, pin)?;
    if refused().contains(&attempt) {
        return Err(TokenError::PinRefused.into());
    }
    match session.login(UserType::User, pin) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(Error::Pkcs11(
            RvError::PinIncorrect
            | RvError::PinInvalid
            | RvError::PinLenRange
            | RvError::PinExpired
            | RvError::PinLocked,
            _,
        )) => {
            refused().insert(attempt);
            Err(TokenError::PinRefused.into())
        }
        Err(error) => Err(error.into()),
    }
}

type Attempt = [u8; 32];

/// What tokens refused in the life of this process. Digests under a random salt: they tell nothing about a PIN to whoever finds them.
fn refused() -> MutexGuard<'static, HashSet<Attempt>> {
    static REFUSED: LazyLock<Mutex<HashSet<Attempt>>> = LazyLock::new(Mutex::default);
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn attempt(
    info: &TokenInfo,
    module: &Path,
    pin: Option<&SecretString>,
) -> Result<Attempt, TokenError> {
    static SALT: LazyLock<Option<[u8; 32]>> = LazyLock::new(|| random::bytes().ok());
    let salt = SALT.ok_or_else(|| TokenError::Lost("the system has no randomness".into()))?;
    let pin = pin.map(|pin| digest::sha256(pin.expose_secret().as_bytes()));
    let parts = [
        salt.as_slice(),
        &digest::sha256(module.as_os_str().as_encoded_bytes()),
        &digest::sha256(info.label().as_bytes()),
        &digest::sha256(info.serial_number().as_bytes()),
        pin.as_ref().map_or(&[], |pin| pin),
    ];
    Ok(digest::sha256(&parts.concat()))
}
