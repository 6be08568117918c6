//! [`TokenError`]: why a token gave nothing.

use std::path::PathBuf;
use std::time::Duration;

use cryptoki::error::{Error, RvError};

use crate::KeyKind;
use crate::signer::SignError;

/// Why a token gave no key or no signature. No variant shows a PIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The library cannot be used.
    #[error("the PKCS#11 module {path} cannot be used: {why}")]
    Module {
        /// Its file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The program can load no library.
    #[error(
        "this program is linked statically and can load no PKCS#11 module; keys in tokens need one that is linked dynamically"
    )]
    Static,
    /// No slot has a token like that, now.
    #[error("there is no token {0}")]
    NoToken(String),
    /// More than one slot has.
    #[error("more than one token is {0}; name its serial number as well")]
    SeveralTokens(String),
    /// The token refused the PIN. It is not tried again, since tokens lock themselves after a few wrong ones.
    #[error(
        "the token refused the PIN, and it will not be tried again before another one is configured or the program restarted"
    )]
    PinRefused,
    /// The token takes no more PINs, or only one more: that one is left to a person.
    #[error(
        "the token {0}; log in once with another tool, which makes it forget the wrong attempts"
    )]
    PinAtRisk(&'static str),
    /// The token wants a PIN and none is configured.
    #[error("the token wants a PIN, and none is configured")]
    PinMissing,
    /// The token has no such private key.
    #[error("the token has no private key {0}")]
    NoKey(String),
    /// It has more than one.
    #[error("the token has more than one private key {0}; name its id as well")]
    SeveralKeys(String),
    /// The public half is not in the token and was not given either.
    #[error("the token does not show the public key of {0}; a certificate of it is needed")]
    NoPublicKey(String),
    /// The key is not the one that was expected.
    #[error("the key in the token is another one than that of the certificate")]
    OtherKey,
    /// The key cannot be used here.
    #[error("the key in the token cannot be used: {0}")]
    Unusable(String),
    /// Keys of this kind do not sign that way.
    #[error("a key of kind {0} does not sign with {1}")]
    Scheme(KeyKind, &'static str),
    /// The token cannot be reached.
    #[error("the token cannot be reached: {0}")]
    Lost(String),
    /// More signatures are wanted than the token keeps up with.
    #[error("more signatures are awaited from the token than it makes in time")]
    Busy,
    /// The token did not answer in time.
    #[error("the token gave no answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// What came is no signature that verifies under the public key.
    #[error("what the token made does not verify under its public key")]
    WrongSignature,
    /// The token refused for a reason of its own.
    #[error("the token refused: {0}")]
    Refused(String),
}

impl From<TokenError> for SignError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Lost(_)
            | TokenError::Busy
            | TokenError::TimedOut(_)
            | TokenError::NoToken(_) => Self::Unavailable(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// What PKCS#11 said, in few words: the function and the CKR value.
pub(super) fn said(error: &Error) -> String {
    match error {
        Error::Pkcs11(value, function) => format!("{function:?}: {value:?}"),
        other => other.to_string(),
    }
}

/// Whether the session, the login or the token is gone, so that opening a new session may help.
pub(super) fn is_loss(error: &Error) -> bool {
    use RvError::{
        CryptokiNotInitialized, DeviceError, DeviceRemoved, FunctionFailed, GeneralError,
        KeyHandleInvalid, ObjectHandleInvalid, SessionClosed, SessionHandleInvalid, SlotIdInvalid,
        TokenNotPresent, TokenNotRecognized, UserNotLoggedIn,
    };
    matches!(
        error,
        Error::Pkcs11(
            CryptokiNotInitialized
                | DeviceError
                | DeviceRemoved
                | FunctionFailed
                | GeneralError
                | KeyHandleInvalid
                | ObjectHandleInvalid
                | SessionClosed
                | SessionHandleInvalid
                | SlotIdInvalid
                | TokenNotPresent
                | TokenNotRecognized
                | UserNotLoggedIn,
            _
        )
    )
}
