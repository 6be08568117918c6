use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use utoipa::ToSchema;

use super::{Lifetime, ProofAlgorithm, Usage};

/// A certificate is asked for: the first one, or the successor of one that exists.
///
/// Members that are left out are the profile's to decide. A member the service does not know is refused, not overlooked: whoever wrote
/// `durration` wants to hear of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnrollRequest {
    /// The PKCS#10 request (RFC 2986) as PEM text. Its signature proves possession of the new key; subject, names and the extensions asked
    /// for are taken from it.
    #[schema(
        example = "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n"
    )]
    pub csr: String,
    /// How long the certificate should live, which PKCS#10 cannot say. The profile's own lifetime when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Lifetime>,
    /// Key usages and extended key usages by cert-manager's names, instead of those in the CSR. What the CSR says when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usages: Vec<Usage>,
    /// Which of the CA's profiles to use; the one the label and the requester lead to when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "web")]
    pub profile: Option<String>,
    /// Whether the certificate is to be a CA's own. What the CSR says when absent.
    #[serde(rename = "isCA", default, skip_serializing_if = "Option::is_none")]
    pub is_ca: Option<bool>,
    /// The certificate that this one succeeds; absent for a first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Replaces>,
}

impl EnrollRequest {
    /// A request for what the CSR (PEM text) says and nothing more.
    #[must_use]
    pub fn new(csr: impl Into<String>) -> Self {
        Self {
            csr: csr.into(),
            duration: None,
            usages: Vec::new(),
            profile: None,
            is_ca: None,
            replaces: None,
        }
    }
}

/// The certificate to be succeeded, and the right to do so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Replaces {
    /// The old certificate as PEM text; of several the first counts.
    #[schema(example = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n")]
    pub certificate: String,
    /// Proof of possession of the old key. Not needed over mTLS with the old certificate itself, which proves the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ReplacesProof>,
}

/// A signature with the old key over the new CSR: over its whole DER encoding, as it stands in the PEM block of `csr`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplacesProof {
    /// How it was made.
    pub algorithm: ProofAlgorithm,
    /// The signature's bytes as X.509 has them (for ECDSA the DER form); base64 in JSON, at most 8 KiB of it.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    #[schema(value_type = String, content_encoding = "base64")]
    pub signature: Vec<u8>,
}

/// ML-DSA-87 signatures, the largest, have 4627 bytes, 6172 in base64.
const LONGEST_SIGNATURE: usize = 8192;

fn to_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > LONGEST_SIGNATURE {
        return Err(D::Error::custom(format!(
            "signature: {} characters of base64, and no signature needs more than {LONGEST_SIGNATURE}",
            text.len()
        )));
    }
    STANDARD.decode(text.trim()).map_err(|e| {
        D::Error::custom(format!(
            "signature: not base64 of the standard alphabet: {e}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_request_has_this_shape() {
        let request = EnrollRequest {
            duration: Some("2160h".parse().unwrap()),
            usages: vec![Usage::DigitalSignature, Usage::ServerAuth],
            profile: Some("web".into()),
            is_ca: Some(false),
            replaces: Some(Replaces {
                certificate: "old".into(),
                proof: Some(ReplacesProof {
                    algorithm: ProofAlgorithm::EcdsaSha256,
                    signature: vec![1, 2, 255],
                }),
            }),
            ..EnrollRequest::new("csr")
        };
        insta::assert_json_snapshot!(request, @r#"
        {
          "csr": "csr",
          "duration": "PT2160H",
          "usages": [
            "digital signature",
            "server auth"
          ],
          "profile": "web",
          "isCA": false,
          "replaces": {
            "certificate": "old",
            "proof": {
              "algorithm": "ecdsa-sha256",
              "signature": "AQL/"
            }
          }
        }
        "#);
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(
            serde_json::from_str::<EnrollRequest>(&text).unwrap(),
            request
        );
    }

    #[test]
    fn the_csr_alone_is_enough() {
        assert_eq!(
            serde_json::from_str::<EnrollRequest>(r#"{"csr":"x"}"#).unwrap(),
            EnrollRequest::new("x")
        );
        assert_eq!(
            serde_json::to_string(&EnrollRequest::new("x")).unwrap(),
            r#"{"csr":"x"}"#
        );
    }

    #[test]
    fn a_member_that_is_not_known_is_refused_by_name() {
        let error =
            serde_json::from_str::<EnrollRequest>(r#"{"csr":"x","durration":"1h"}"#).unwrap_err();
        assert!(error.to_string().contains("durration"), "{error}");
    }

    #[test]
    fn a_proof_that_is_not_base64_or_too_long_is_refused() {
        let request = |signature: &str| {
            format!(
                r#"{{"csr":"x","replaces":{{"certificate":"o","proof":{{"algorithm":"ed25519","signature":"{signature}"}}}}}}"#
            )
        };
        for signature in ["?", &"A".repeat(8196)] {
            let error = serde_json::from_str::<EnrollRequest>(&request(signature)).unwrap_err();
            assert!(error.to_string().contains("signature"), "{error}");
        }
        assert!(serde_json::from_str::<EnrollRequest>(&request("AAAA")).is_ok());
    }
}
