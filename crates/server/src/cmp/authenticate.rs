//! Step 2 of the line for CMP: the protection of a message to [`ra::Requester`], and to how answers will be protected.

use pkixcmp::protection::{ProtectionError, ProtectionKind};

use super::call::Call;
use super::sender::{Authenticated, Unauthenticated};
use super::{mac, signature};

/// Verifies the protection of the call's message.
pub(super) async fn authenticate(call: &Call<'_>) -> Result<Authenticated, Unauthenticated> {
    let header = call.message.header();
    match ProtectionKind::announced(header.protection_alg.as_ref()) {
        _ if call.message.protection().is_none() => Err(ProtectionError::Unprotected.into()),
        ProtectionKind::None => Err(ProtectionError::Unprotected.into()),
        ProtectionKind::Mac => mac::authenticate(call).await,
        ProtectionKind::Signature => signature::authenticate(call).await,
    }
}
