use std::fmt;
use std::str::FromStr;

use url::Url;

/// The URL of a CA's CMP service.
///
/// The path goes out as it is written: some CAs answer at `/pkix/` and not at `/pkix`. A text whose path a URL parser would
/// rewrite (`/a/../b`, blanks) is refused, so that what is configured is what is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The URL.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether the way there is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(text).map_err(|error| EndpointError::NotAUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(EndpointError::Fragment);
        }
        if url.port() == Some(0) {
            return Err(EndpointError::Port);
        }
        let after_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
        let written = after_scheme
            .find(['/', '?'])
            .map_or("", |at| after_scheme.get(at..).unwrap_or_default());
        let sent = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        if !written.is_empty() && written != sent {
            return Err(EndpointError::Path {
                written: written.to_owned(),
                sent,
            });
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.0)
    }
}

/// Why a text is no [`Endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// No URL at all.
    #[error("not a URL ({0}); write it like https://ca.example/.well-known/cmp")]
    NotAUrl(String),
    /// Another scheme.
    #[error("scheme `{0}` is not one CMP goes over here; use http or https")]
    Scheme(String),
    /// User name or password in it.
    #[error("a user name or password in the URL is never sent; take it out")]
    Credentials,
    /// A fragment.
    #[error("a fragment (`#…`) is never sent; take it out")]
    Fragment,
    /// Port 0.
    #[error("port 0 cannot be connected to; use 1 to 65535")]
    Port,
    /// A path that would be rewritten.
    #[error("the path `{written}` would be sent as `{sent}`; write it so")]
    Path {
        /// As configured.
        written: String,
        /// As a URL parser makes it.
        sent: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_kept_with_its_trailing_slash_and_without_one() {
        for text in [
            "http://ca:8080/pkix/",
            "https://ca/pkix",
            "http://[::1]:1/a%20b?c=d",
            "http://ca:65535/ejbca/publicweb/cmp/RA",
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_url_without_a_path_asks_the_root() {
        assert_eq!("http://ca".parse::<Endpoint>().unwrap().url().path(), "/");
    }

    #[test]
    fn what_would_be_sent_otherwise_than_written_is_refused() {
        for text in ["http://ca/a/../b", "http://ca/a b", "http://ca/./a"] {
            assert!(
                matches!(text.parse::<Endpoint>(), Err(EndpointError::Path { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn other_schemes_ports_and_credentials_are_refused_each_for_its_reason() {
        assert_eq!(
            "ftp://ca/".parse::<Endpoint>(),
            Err(EndpointError::Scheme("ftp".to_owned()))
        );
        assert_eq!("http://ca:0/".parse::<Endpoint>(), Err(EndpointError::Port));
        assert_eq!(
            "http://u:p@ca/".parse::<Endpoint>(),
            Err(EndpointError::Credentials)
        );
        assert_eq!(
            "http://ca/#x".parse::<Endpoint>(),
            Err(EndpointError::Fragment)
        );
        assert!(matches!(
            "http://ca:65536/".parse::<Endpoint>(),
            Err(EndpointError::NotAUrl(_))
        ));
        assert!(matches!(
            "ca/pkix".parse::<Endpoint>(),
            Err(EndpointError::NotAUrl(_))
        ));
    }
}
