//! What cert-manager writes for a workload.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::{Certificate, PrivateKey};
use serde_json::Value;

/// A Secret as the API server has it.
#[derive(Clone, Debug)]
pub struct Secret(pub Value);

impl Secret {
    /// The names in it.
    pub fn names(&self) -> Vec<&str> {
        let data = self.0["data"].as_object();
        data.into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// What stands under a name.
    ///
    /// # Panics
    /// When nothing does.
    #[track_caller]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let text = self.0["data"][name].as_str();
        let text = text.unwrap_or_else(|| panic!("no {name}, only {:?}", self.names()));
        BASE64_STANDARD.decode(text).unwrap()
    }

    /// `tls.crt`: the leaf and what is above it.
    #[track_caller]
    pub fn chain(&self) -> Vec<Certificate> {
        Certificate::all_from_pem(&self.bytes("tls.crt")).unwrap()
    }

    /// `ca.crt`.
    #[track_caller]
    pub fn ca(&self) -> Vec<Certificate> {
        Certificate::all_from_pem(&self.bytes("ca.crt")).unwrap()
    }

    /// `tls.key`.
    #[track_caller]
    pub fn key(&self) -> PrivateKey {
        PrivateKey::from_pem(&self.bytes("tls.key"), None).unwrap()
    }
}
