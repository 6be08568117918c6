use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// A certificate is to be revoked by its owner, or by someone whom the profile lets do so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members", into = "Members")]
pub struct RevokeRequest {
    /// Which certificate.
    pub target: RevokeTarget,
    /// Why.
    pub reason: RevocationReason,
}

/// Which certificate is to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokeTarget {
    /// The certificate itself, as PEM text.
    Certificate(String),
    /// The two things by which a CA knows it.
    Id {
        /// The issuer's name, first RDN first, as `certway show` prints it.
        issuer: String,
        /// The serial number in hex; case and leading zeros do not count.
        serial: String,
    },
}

/// The JSON form: either `certificate`, or `issuer` and `serial`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Members {
    /// The certificate as PEM text; of several the first counts. Or give `issuer` and `serial`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n")]
    certificate: Option<String>,
    /// The issuer's name, first RDN first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "C=DE,O=Example,CN=Issuing CA")]
    issuer: Option<String>,
    /// The serial number in hex; case and leading zeros do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "5f3a90c1")]
    serial: Option<String>,
    /// Why; `unspecified` when absent.
    #[serde(default)]
    reason: RevocationReason,
}

impl PartialSchema for RevokeRequest {
    fn schema() -> RefOr<Schema> {
        Members::schema()
    }
}

impl ToSchema for RevokeRequest {
    fn name() -> Cow<'static, str> {
        "RevokeRequest".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Members::schemas(schemas);
    }
}

impl TryFrom<Members> for RevokeRequest {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, &'static str> {
        let target = match (members.certificate, members.issuer, members.serial) {
            (Some(certificate), None, None) => RevokeTarget::Certificate(certificate),
            (None, Some(issuer), Some(serial)) => RevokeTarget::Id { issuer, serial },
            _ => return Err("give either `certificate`, or both `issuer` and `serial`"),
        };
        Ok(Self {
            target,
            reason: members.reason,
        })
    }
}

impl From<RevokeRequest> for Members {
    fn from(request: RevokeRequest) -> Self {
        let reason = request.reason;
        match request.target {
            RevokeTarget::Certificate(certificate) => Self {
                certificate: Some(certificate),
                issuer: None,
                serial: None,
                reason,
            },
            RevokeTarget::Id { issuer, serial } => Self {
                certificate: None,
                issuer: Some(issuer),
                serial: Some(serial),
                reason,
            },
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $code:literal;)*) => {
        /// Why a certificate is revoked, by the names of RFC 5280 section 5.3.1.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum RevocationReason {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl RevocationReason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in RFC 5280.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The CRLReason code.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }
        }
    };
}

reasons! {
    /// Nothing said.
    #[default]
    Unspecified = "unspecified", 0;
    /// Someone else has, or may have, the key.
    KeyCompromise = "keyCompromise", 1;
    /// The same of a CA's key.
    CaCompromise = "cACompromise", 2;
    /// The names in the certificate no longer fit.
    AffiliationChanged = "affiliationChanged", 3;
    /// Another certificate has taken its place.
    Superseded = "superseded", 4;
    /// It is no longer needed.
    CessationOfOperation = "cessationOfOperation", 5;
    /// For now only; may be taken back.
    CertificateHold = "certificateHold", 6;
    /// Takes a hold back.
    RemoveFromCrl = "removeFromCRL", 8;
    /// A privilege in the certificate was withdrawn.
    PrivilegeWithdrawn = "privilegeWithdrawn", 9;
    /// The key of an attribute authority is, or may be, in other hands.
    AaCompromise = "aACompromise", 10;
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RevocationReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::ALL
            .iter()
            .copied()
            .find(|r| r.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownReason)
    }
}

/// Not a reason for revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a reason for revocation; there are unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, removeFromCRL, privilegeWithdrawn, aACompromise"
)]
pub struct UnknownReason;

/// What came of a request for revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// The service's name for this revocation.
    pub id: String,
    /// Whether it is done.
    pub status: RevocationStatus,
    /// Seconds after which asking again may be worth while; only while waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_after: Option<u64>,
}

/// Whether a revocation is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RevocationStatus {
    /// The CA has revoked the certificate (200).
    Revoked,
    /// The CA has not decided yet (202): ask again at the address in `Location`.
    Waiting,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_or_its_issuer_and_serial_name_the_target() {
        let by_certificate: RevokeRequest =
            serde_json::from_str(r#"{"certificate":"pem","reason":"keyCompromise"}"#).unwrap();
        assert_eq!(
            by_certificate,
            RevokeRequest {
                target: RevokeTarget::Certificate("pem".into()),
                reason: RevocationReason::KeyCompromise
            }
        );
        let by_id: RevokeRequest =
            serde_json::from_str(r#"{"issuer":"CN=x","serial":"0a"}"#).unwrap();
        insta::assert_json_snapshot!(by_id, @r#"
        {
          "issuer": "CN=x",
          "serial": "0a",
          "reason": "unspecified"
        }
        "#);
    }

    #[test]
    fn half_a_target_or_two_are_refused() {
        for text in [
            "{}",
            r#"{"issuer":"CN=x"}"#,
            r#"{"serial":"0a"}"#,
            r#"{"certificate":"pem","serial":"0a"}"#,
        ] {
            let error = serde_json::from_str::<RevokeRequest>(text).unwrap_err();
            assert!(
                error.to_string().contains("either `certificate`"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn reasons_are_those_of_rfc_5280() {
        let table: Vec<_> = RevocationReason::ALL
            .iter()
            .map(|r| (r.code(), r.as_str()))
            .collect();
        assert_eq!(table[1], (1, "keyCompromise"));
        assert_eq!(table[2], (2, "cACompromise"));
        assert_eq!(table.last(), Some(&(10, "aACompromise")));
        for reason in RevocationReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        assert_eq!("bored".parse::<RevocationReason>(), Err(UnknownReason));
    }

    #[test]
    fn the_schema_describes_the_json_form() {
        let schema = serde_json::to_value(RevokeRequest::schema()).unwrap();
        let members: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["certificate", "issuer", "reason", "serial"]);
        let mut others = Vec::new();
        RevokeRequest::schemas(&mut others);
        assert_eq!(others[0].0, "RevocationReason");
    }

    #[test]
    fn the_answer_has_this_shape() {
        let waiting = Revocation {
            id: "9".into(),
            status: RevocationStatus::Waiting,
            check_after: Some(30),
        };
        assert_eq!(
            serde_json::to_string(&waiting).unwrap(),
            r#"{"id":"9","status":"waiting","checkAfter":30}"#
        );
    }
}
