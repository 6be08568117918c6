use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::media;

/// Every root that this CA's certificates may lead to, now or soon: during a rollover there are several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trust {
    /// The roots; the one that ends today's chains first.
    pub roots: Vec<TrustedRoot>,
}

/// One root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrustedRoot {
    /// Its name, first RDN first.
    #[schema(example = "C=DE,O=Example,CN=Root CA")]
    pub subject: String,
    /// SHA-256 of its DER encoding in lower-case hex.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub fingerprint: String,
    /// Since when it is valid.
    #[schema(value_type = String, format = DateTime)]
    pub not_before: Timestamp,
    /// Until when it is.
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
    /// The certificate: one PEM block.
    #[schema(example = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n")]
    pub certificate: String,
}

/// In which form the roots are wanted: the query parameter `format`, or `Accept`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrustFormat {
    /// [`Trust`].
    Json,
    /// One PEM block per root.
    #[default]
    Pem,
    /// A PKCS#12 store with an entry per root.
    Pkcs12,
    /// A Java key store with an entry per root.
    Jks,
}

impl TrustFormat {
    /// Every form there is.
    pub const ALL: &[Self] = &[Self::Json, Self::Pem, Self::Pkcs12, Self::Jks];

    /// The name in the query.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Pem => "pem",
            Self::Pkcs12 => "pkcs12",
            Self::Jks => "jks",
        }
    }

    /// The media type of the answer.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => media::JSON,
            Self::Pem => media::PEM,
            Self::Pkcs12 => media::PKCS12,
            Self::Jks => media::JKS,
        }
    }
}

impl fmt::Display for TrustFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TrustFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .iter()
            .copied()
            .find(|f| f.as_str() == text)
            .ok_or(UnknownFormat)
    }
}

/// Not a form in which roots can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a format of a trust store; there are json, pem, pkcs12 and jks")]
pub struct UnknownFormat;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_roots_has_this_shape() {
        let trust = Trust {
            roots: vec![TrustedRoot {
                subject: "CN=Root".into(),
                fingerprint: "00ff".into(),
                not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
                not_after: "2046-01-01T00:00:00Z".parse().unwrap(),
                certificate: "root\n".into(),
            }],
        };
        insta::assert_json_snapshot!(trust, @r#"
        {
          "roots": [
            {
              "subject": "CN=Root",
              "fingerprint": "00ff",
              "notBefore": "2026-01-01T00:00:00Z",
              "notAfter": "2046-01-01T00:00:00Z",
              "certificate": "root\n"
            }
          ]
        }
        "#);
    }

    #[test]
    fn formats_have_one_name_in_query_and_json() {
        for format in TrustFormat::ALL {
            assert_eq!(format.as_str().parse(), Ok(*format));
            assert_eq!(serde_json::to_value(format).unwrap(), format.as_str());
        }
    }
}
