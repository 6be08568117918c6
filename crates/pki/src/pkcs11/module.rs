//! Libraries: each is loaded once and stays for the life of the process, as PKCS#11 wants it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};

use super::TokenError;
use super::error::said;

/// The library at `path`, ready to be called from any thread.
pub(super) fn module(path: &Path) -> Result<Pkcs11, TokenError> {
    let unusable = |why: String| TokenError::Module {
        path: path.to_owned(),
        why,
    };
    // musl's loader would only say that it cannot, and not why.
    if cfg!(target_feature = "crt-static") {
        return Err(TokenError::Static);
    }
    // Without a folder in it the name would be looked for wherever the system's loader looks.
    if !path.is_absolute() {
        return Err(unusable("its path is not absolute".into()));
    }
    let known = loaded().get(path).cloned();
    let module = match known {
        Some(module) => module,
        None => {
            let module = Pkcs11::new(path).map_err(|error| unusable(said(&error)))?;
            loaded().entry(path.to_owned()).or_insert(module).clone()
        }
    };
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
        Err(error) => Err(unusable(said(&error))),
    }
}

/// Tells every library that it is not called any more (C_Finalize). To be called when nothing calls one.
pub(super) fn finalize() {
    for (_, module) in loaded().drain() {
        // What a library says to its end changes nothing.
        let _ended = module.finalize();
    }
}

fn loaded() -> MutexGuard<'static, HashMap<PathBuf, Pkcs11>> {
    static LOADED: LazyLock<Mutex<HashMap<PathBuf, Pkcs11>>> = LazyLock::new(Mutex::default);
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}
