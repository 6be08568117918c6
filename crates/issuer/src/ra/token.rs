use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::client::Bearer;
use url::{Origin, Url};

use super::NoWay;

/// The controller's projected ServiceAccount token, and the only places it is sent to: whoever may make an Issuer must not be able to have it sent elsewhere.
#[derive(Debug)]
pub struct Token {
    file: PathBuf,
    allowed: Vec<Origin>,
    read: Mutex<Option<(Instant, Bearer)>>,
}

/// Kubelet writes the file anew when a fifth of the token's life is left.
const FRESH: Duration = Duration::from_secs(10);

impl Token {
    /// The token in this file, which kubelet keeps fresh, for RAs at these addresses.
    #[must_use]
    pub fn new(file: PathBuf, allowed: &[Url]) -> Self {
        Self {
            file,
            allowed: allowed.iter().map(Url::origin).collect(),
            read: Mutex::default(),
        }
    }

    /// The token, for an RA at this address.
    pub(super) async fn bearer_for(&self, url: &Url) -> Result<Bearer, NoWay> {
        if !self.allowed.contains(&url.origin()) {
            return Err(NoWay::Material(format!(
                "spec.url: the controller's token is not sent to {url}; it was started for other addresses (--ra-token-for)"
            )));
        }
        if let Some(bearer) = self.kept() {
            return Ok(bearer);
        }
        let file = self.file.display();
        let text = tokio::fs::read_to_string(&self.file)
            .await
            .map_err(|e| NoWay::Material(format!("the controller's token {file}: {e}")))?;
        let bearer: Bearer = text
            .trim()
            .parse()
            .map_err(|e| NoWay::Material(format!("the controller's token {file}: {e}")))?;
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), bearer.clone()));
        Ok(bearer)
    }

    fn kept(&self) -> Option<Bearer> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.as_ref()
            .filter(|(at, _)| at.elapsed() < FRESH)
            .map(|(_, bearer)| bearer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_token_goes_only_where_the_controller_was_told() {
        let file = std::env::temp_dir().join(format!("certway-token-{}", std::process::id()));
        std::fs::write(&file, "abc.def\n").unwrap();
        let token = Token::new(file.clone(), &["https://ra.example:8443".parse().unwrap()]);
        for (url, allowed) in [
            ("https://ra.example:8443/prefix", true),
            ("https://ra.example", false),
            ("http://ra.example:8443", false),
            ("https://evil.example:8443", false),
            ("https://ra.example.evil:8443", false),
        ] {
            let found = token.bearer_for(&url.parse().unwrap()).await;
            assert_eq!(found.is_ok(), allowed, "{url}");
        }
        std::fs::remove_file(file).unwrap();
    }

    #[tokio::test]
    async fn a_missing_token_is_named_by_its_file() {
        let url: Url = "https://ra".parse().unwrap();
        let token = Token::new("/nonexistent/token".into(), std::slice::from_ref(&url));
        let error = token.bearer_for(&url).await.unwrap_err().to_string();
        assert!(error.contains("/nonexistent/token"), "{error}");
    }
}
