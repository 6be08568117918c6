use std::str::FromStr;

use url::Url;

/// Where a certway-ra is: scheme, host, port, and the path prefix under which a gateway has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// The address of a resource, whose path starts with `/` and is percent-encoded already.
    pub(super) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.prefix()));
        url
    }

    /// Where a `Location` leads, if that is below this address. Another host must not get our credentials, and a gateway that took a prefix
    /// off on the way in may not have put it back on the way out.
    pub(super) fn located(&self, location: &str) -> Option<Url> {
        let url = self.0.join(location).ok()?;
        let below = url
            .path()
            .strip_prefix(self.prefix())
            .is_some_and(|rest| rest.starts_with('/'));
        (url.origin() == self.0.origin() && below).then_some(url)
    }

    fn prefix(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }
}

impl TryFrom<Url> for BaseUrl {
    type Error = BaseUrlError;

    fn try_from(mut url: Url) -> Result<Self, BaseUrlError> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(BaseUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::UserInfo);
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self(url))
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        Url::parse(text)?.try_into()
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text is not the address of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL.
    #[error("not a URL ({0}); write it as https://ra.example.com:8443")]
    Unreadable(#[from] url::ParseError),
    /// Another scheme.
    #[error("the service is reached by https (or http); write it as https://ra.example.com:8443")]
    Scheme,
    /// A name or password in the URL would end up in logs.
    #[error(
        "a user name or password does not belong in the URL; use a client certificate or a bearer token"
    )]
    UserInfo,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> BaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_gateways_prefix_is_kept() {
        for text in [
            "https://gw/certway",
            "https://gw/certway/",
            "https://gw/certway?x#y",
        ] {
            assert_eq!(
                base(text).at("/v2/ra/trust").as_str(),
                "https://gw/certway/v2/ra/trust"
            );
        }
        assert_eq!(
            base("https://ra:8443").at("/v2/a%2Fb/trust").as_str(),
            "https://ra:8443/v2/a%2Fb/trust"
        );
    }

    #[test]
    fn a_location_is_followed_below_the_base_only() {
        let base = base("https://gw/certway");
        assert_eq!(
            base.located("/certway/v2/ra/certificates/7")
                .unwrap()
                .as_str(),
            "https://gw/certway/v2/ra/certificates/7"
        );
        for elsewhere in [
            "https://evil/certway/v2",
            "//evil/certway/v2",
            "http://gw/certway/v2",
            "https://gw:444/certway/v2",
            "/v2/ra/certificates/7",
            "/certwayward/v2",
            "http://[",
        ] {
            assert_eq!(base.located(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn other_schemes_and_credentials_are_refused() {
        assert_eq!("ftp://x".parse::<BaseUrl>(), Err(BaseUrlError::Scheme));
        assert_eq!(
            "https://me:secret@x".parse::<BaseUrl>(),
            Err(BaseUrlError::UserInfo)
        );
        assert!(matches!(
            "ra.example.com".parse::<BaseUrl>(),
            Err(BaseUrlError::Unreadable(_))
        ));
    }
}
