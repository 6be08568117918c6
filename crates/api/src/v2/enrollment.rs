use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came, or has come so far, of a request for a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Enrollment {
    /// There is a certificate (201 at first, 200 when asked for again).
    Issued(Box<Issued>),
    /// The CA has not decided yet (202): ask again at the address in `Location`.
    Waiting(Waiting),
}

impl Enrollment {
    /// The service's name for this enrollment: the last part of its address.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Issued(issued) => &issued.id,
            Self::Waiting(waiting) => &waiting.id,
        }
    }
}

/// A certificate with all that its holder needs beside the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issued {
    /// The service's name for this enrollment.
    pub id: String,
    /// The certificate: one PEM block.
    #[schema(example = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n")]
    pub certificate: String,
    /// The issuers from the certificate's own up to, but without, the root: one PEM block each. Empty when a root issued it.
    pub chain: Vec<String>,
    /// Every root to be trusted, one PEM block each; the one that ends the chain first.
    pub roots: Vec<String>,
    /// Since when the certificate is valid.
    #[schema(value_type = String, format = DateTime)]
    pub not_before: Timestamp,
    /// Until when it is.
    #[schema(value_type = String, format = DateTime)]
    pub not_after: Timestamp,
    /// Its serial number in lower-case hex, two digits per byte, without leading zero bytes.
    #[schema(example = "5f3a90c1")]
    pub serial: String,
    /// Which kind of request the CA was sent.
    pub kind: RequestKind,
    /// Where the certificate differs from what was asked for. Empty when it does not.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// An enrollment without an outcome yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The service's name for this enrollment.
    pub id: String,
    /// Seconds after which asking again may be worth while; the same as the header field `Retry-After`.
    #[schema(example = 60)]
    pub check_after: u64,
    /// What keeps the CA from answering, where it is not that it takes its time: it cannot be reached, or what it says cannot be believed. The
    /// same message is sent again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "the MAC of the answer does not verify")]
    pub trouble: Option<String>,
}

/// Which kind of request the CA was sent. A renewal is a `kur` where the CA lets the service act on the holder's behalf, and a `cr` elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RequestKind {
    /// CMP initialization request (RFC 9810 section 5.3.1).
    Ir,
    /// CMP certification request (section 5.3.3).
    Cr,
    /// CMP key update request, bound to the old certificate (section 5.3.5).
    Kur,
    /// The CSR itself, unchanged (RFC 9810 section 5.2.1, RFC 9483 section 4.1.4).
    P10cr,
    /// None: the service's own CA issued.
    Local,
}

/// One thing in which the certificate differs from the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What: `subject`, `subjectAltName`, `notBefore`, `notAfter`, `keyUsage`, `extendedKeyUsage`, `basicConstraints`.
    #[schema(example = "notAfter")]
    pub field: String,
    /// What was asked for, as text; absent when nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-11-22T16:00:00Z")]
    pub requested: Option<String>,
    /// What the certificate has, as text; absent when it has nothing of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-02-20T16:00:00Z")]
    pub issued: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(enrollment: &Enrollment) {
        let text = serde_json::to_string(enrollment).unwrap();
        assert_eq!(
            &serde_json::from_str::<Enrollment>(&text).unwrap(),
            enrollment
        );
    }

    #[test]
    fn an_issued_certificate_has_this_shape() {
        let enrollment = Enrollment::Issued(Box::new(Issued {
            id: "7".into(),
            certificate: "leaf\n".into(),
            chain: vec!["issuing\n".into()],
            roots: vec!["root\n".into(), "next root\n".into()],
            not_before: "2026-11-22T16:00:00Z".parse().unwrap(),
            not_after: "2027-02-20T16:00:00Z".parse().unwrap(),
            serial: "5f3a90c1".into(),
            kind: RequestKind::Kur,
            changes: vec![Change {
                field: "notAfter".into(),
                requested: Some("2027-11-22T16:00:00Z".into()),
                issued: Some("2027-02-20T16:00:00Z".into()),
            }],
        }));
        insta::assert_json_snapshot!(enrollment, @r#"
        {
          "status": "issued",
          "id": "7",
          "certificate": "leaf\n",
          "chain": [
            "issuing\n"
          ],
          "roots": [
            "root\n",
            "next root\n"
          ],
          "notBefore": "2026-11-22T16:00:00Z",
          "notAfter": "2027-02-20T16:00:00Z",
          "serial": "5f3a90c1",
          "kind": "kur",
          "changes": [
            {
              "field": "notAfter",
              "requested": "2027-11-22T16:00:00Z",
              "issued": "2027-02-20T16:00:00Z"
            }
          ]
        }
        "#);
        round_trip(&enrollment);
    }

    #[test]
    fn a_waiting_enrollment_has_this_shape() {
        let enrollment = Enrollment::Waiting(Waiting {
            id: "7".into(),
            check_after: 60,
            trouble: Some("connection refused".into()),
        });
        insta::assert_json_snapshot!(enrollment, @r#"
        {
          "status": "waiting",
          "id": "7",
          "checkAfter": 60,
          "trouble": "connection refused"
        }
        "#);
        round_trip(&enrollment);
    }
}
