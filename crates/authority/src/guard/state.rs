use ra::{AskError, Sealed};
use serde::{Deserialize, Serialize};

use crate::sealed;

/// The form of our sealed state. Apart from the versions of what is in it.
const VERSION: u8 = 0x81;

/// The authority's own state, and where it is put to the CA: before the first octet leaves us, the journal knows to whom.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    /// The endpoint that hears this transaction, as configured.
    pub(crate) endpoint: String,
    /// What the authority that asks it has sealed.
    pub(crate) inner: Sealed,
}

impl State {
    pub(crate) fn seal(endpoint: &str, inner: Sealed) -> Result<Sealed, AskError> {
        let endpoint = endpoint.to_owned();
        sealed::seal(VERSION, &Self { endpoint, inner })
    }

    pub(crate) fn open(sealed: &Sealed) -> Result<Self, AskError> {
        sealed::open(VERSION, sealed)
    }
}
