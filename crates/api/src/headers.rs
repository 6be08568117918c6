//! Names of the header fields that REST v2 gives a meaning, in the lower case of HTTP/2.

/// Request: the caller's own name for this enrollment. The same key with the same bytes gets the same certificate, never a second one; the
/// same key with other bytes is refused as `other-request-under-key`. 1 to 255 visible ASCII characters.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Answer: the name under which the service logged this request. Quote it when asking for help.
pub const CORRELATION_ID: &str = "x-correlation-id";

/// Request: the password a PKCS#12 or JKS trust store is to be sealed with; [`DEFAULT_STORE_PASSWORD`] when absent. A header field and not a
/// query parameter, because addresses are logged.
pub const STORE_PASSWORD: &str = "x-certway-store-password";

/// What `keytool` and the JRE's own `cacerts` use. A trust store holds nothing secret; the password only guards against accidents.
pub const DEFAULT_STORE_PASSWORD: &str = "changeit";
