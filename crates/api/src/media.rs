//! Media types spoken by REST v2.

/// Requests and answers in JSON.
pub const JSON: &str = "application/json";
/// Problems (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";
/// A bare PKCS#10 request in DER (RFC 5967).
pub const PKCS10: &str = "application/pkcs10";
/// PEM text: a bare PKCS#10 request in, a list of certificates out (RFC 8555 section 9.1 registers the latter use).
pub const PEM: &str = "application/x-pem-file";
/// A certificate chain in PEM (RFC 8555 section 9.1).
pub const PEM_CHAIN: &str = "application/pem-certificate-chain";
/// A PKCS#12 store (RFC 7292).
pub const PKCS12: &str = "application/x-pkcs12";
/// A Java key store of the type JKS.
pub const JKS: &str = "application/x-java-keystore";
