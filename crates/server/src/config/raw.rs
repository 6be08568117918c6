//! The configuration as written: nothing required, nothing checked, nothing unknown accepted. docs/CONFIG.md has a line for each field.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawConfig {
    pub(crate) listen: RawListen,
    pub(crate) admin: RawAdmin,
    pub(crate) journal: RawJournal,
    pub(crate) log: RawLog,
    pub(crate) telemetry: RawTelemetry,
    pub(crate) reload: RawReload,
    pub(crate) v1: RawV1,
    pub(crate) cmp: RawCmpFront,
    pub(crate) authorities: BTreeMap<String, RawAuthority>,
    pub(crate) profiles: BTreeMap<String, RawProfile>,
    pub(crate) labels: BTreeMap<String, RawLabel>,
    pub(crate) token_issuers: BTreeMap<String, RawTokenIssuer>,
    pub(crate) callers: BTreeMap<String, RawCaller>,
    pub(crate) pkcs11: BTreeMap<String, RawPkcs11>,
}

/// Where keys are that are in no file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawPkcs11 {
    pub(crate) module: Option<String>,
    pub(crate) pin: Option<RawSecret>,
    pub(crate) sessions: Option<i64>,
    pub(crate) timeout: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawListen {
    pub(crate) address: Option<String>,
    pub(crate) port: Option<i64>,
    pub(crate) tls: Option<RawKeystore>,
    pub(crate) client_ca: Option<RawTruststore>,
    pub(crate) client_auth: Option<String>,
    pub(crate) cmp: Option<RawCmpListen>,
    pub(crate) max_header_bytes: Option<i64>,
    pub(crate) max_body_bytes: Option<i64>,
    pub(crate) max_connections: Option<i64>,
    pub(crate) max_requests: Option<i64>,
    pub(crate) handshake_timeout: Option<String>,
    pub(crate) header_timeout: Option<String>,
    pub(crate) write_timeout: Option<String>,
    pub(crate) request_timeout: Option<String>,
    pub(crate) shutdown_within: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawAdmin {
    pub(crate) enabled: Option<bool>,
    pub(crate) address: Option<String>,
    pub(crate) port: Option<i64>,
}

/// A key with its chain: one file of any format, or two of PEM.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawKeystore {
    pub(crate) keystore: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) password: Option<RawSecret>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawTruststore {
    pub(crate) truststore: Option<String>,
    pub(crate) password: Option<RawSecret>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCmpListen {
    pub(crate) address: Option<String>,
    pub(crate) port: Option<i64>,
}

/// Where a secret is. It never stands in the configuration itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawSecret {
    pub(crate) file: Option<String>,
    pub(crate) env: Option<String>,
    /// What CertService uses when its environment names no password.
    #[serde(skip)]
    pub(crate) literal: Option<&'static str>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawJournal {
    pub(crate) url: Option<String>,
    pub(crate) password: Option<RawSecret>,
    pub(crate) tls: RawJournalTls,
    pub(crate) connections: Option<i64>,
    pub(crate) connect_within: Option<String>,
    pub(crate) answer_within: Option<String>,
    pub(crate) start_within: Option<String>,
    pub(crate) lease: Option<String>,
    pub(crate) sweep_every: Option<String>,
    pub(crate) sweep_at_once: Option<i64>,
    pub(crate) retention: RawRetention,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawJournalTls {
    pub(crate) mode: Option<String>,
    pub(crate) roots: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) key: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawRetention {
    pub(crate) entries: Option<String>,
    pub(crate) audit: Option<String>,
    pub(crate) issuances: Option<String>,
    pub(crate) every: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawLog {
    pub(crate) format: Option<String>,
    pub(crate) filter: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawTelemetry {
    pub(crate) otlp: Option<RawOtlp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawOtlp {
    pub(crate) endpoint: Option<String>,
    pub(crate) sample_percent: Option<i64>,
    pub(crate) queue: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawReload {
    pub(crate) every: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawV1 {
    pub(crate) hold: Option<String>,
    pub(crate) replay: Option<String>,
}

/// How CMP behaves, whatever the label.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCmpFront {
    pub(crate) default_label: Option<String>,
    pub(crate) max_body: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawAuthority {
    pub(crate) cmp: Option<RawCmp>,
    pub(crate) local: Option<RawLocal>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCmp {
    pub(crate) url: Option<String>,
    pub(crate) urls: Option<Vec<String>>,
    pub(crate) endpoints: Option<String>,
    pub(crate) limits: RawLimits,
    pub(crate) breaker: RawBreaker,
    pub(crate) health: Option<String>,
    pub(crate) health_every: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) mac: Option<RawMac>,
    pub(crate) signature: Option<RawKeystore>,
    pub(crate) trust: RawCmpTrust,
    pub(crate) dialect: Option<String>,
    pub(crate) first: Option<String>,
    pub(crate) confirmation: Option<String>,
    pub(crate) takes: RawTakes,
    pub(crate) quirks: RawCmpQuirks,
    pub(crate) transport: RawTransport,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawLimits {
    pub(crate) in_flight: Option<i64>,
    pub(crate) queue: Option<i64>,
    pub(crate) queue_wait: Option<String>,
    pub(crate) deadline: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawBreaker {
    pub(crate) failures: Option<i64>,
    pub(crate) rest: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawMac {
    pub(crate) reference: Option<String>,
    pub(crate) secret: Option<RawSecret>,
    pub(crate) form: Option<String>,
    pub(crate) iterations: Option<i64>,
    pub(crate) salt: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCmpTrust {
    pub(crate) anchors: Option<Vec<String>>,
    pub(crate) signer: Option<String>,
    pub(crate) pinned: Option<Vec<String>>,
    pub(crate) issuer_dn: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawTakes {
    pub(crate) ra_verified: Option<bool>,
    pub(crate) kur_on_behalf: Option<bool>,
    pub(crate) p10cr: Option<bool>,
    pub(crate) rr: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCmpQuirks {
    pub(crate) repeats: Option<bool>,
    pub(crate) signed_answers_to_mac: Option<bool>,
    pub(crate) mac_answers_to_signature: Option<bool>,
    pub(crate) unprotected_errors: Option<String>,
    pub(crate) bare_errors: Option<bool>,
    pub(crate) version_1_errors: Option<bool>,
    pub(crate) p10cr_id_zero: Option<bool>,
    pub(crate) unordered_sender: Option<bool>,
    pub(crate) any_media_type: Option<bool>,
    pub(crate) sha1_answers: Option<bool>,
    pub(crate) refuses_repeats_with: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawTransport {
    pub(crate) connect_timeout: Option<String>,
    pub(crate) total_timeout: Option<String>,
    pub(crate) max_response_bytes: Option<i64>,
    pub(crate) proxy: Option<String>,
    pub(crate) tls_roots: Option<Vec<String>>,
    pub(crate) tls_identity: Option<RawKeystore>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawLocal {
    pub(crate) folder: Option<String>,
    pub(crate) root_subject: Option<String>,
    pub(crate) issuing_subject: Option<String>,
    pub(crate) root_key: Option<String>,
    pub(crate) issuing_key: Option<String>,
    pub(crate) root_validity: Option<String>,
    pub(crate) issuing_validity: Option<String>,
    pub(crate) issuing_path_len: Option<i64>,
    pub(crate) validity: Option<String>,
    pub(crate) max_validity: Option<String>,
    pub(crate) backdate: Option<String>,
    pub(crate) key_usage: Option<Vec<String>>,
    pub(crate) ext_key_usage: Option<Vec<String>>,
    pub(crate) copied_extensions: Option<Vec<String>>,
    pub(crate) crl_urls: Option<Vec<String>>,
    pub(crate) crl_life: Option<String>,
    pub(crate) confirmation: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawProfile {
    pub(crate) authority: Option<String>,
    pub(crate) anchors: Option<Vec<String>>,
    pub(crate) issuer_dn: Option<String>,
    pub(crate) requesters: Option<Vec<String>>,
    pub(crate) keys: Option<Vec<String>>,
    pub(crate) sans: Option<Vec<String>>,
    pub(crate) dns: Option<Vec<String>>,
    pub(crate) ip: Option<Vec<String>>,
    pub(crate) email: Option<Vec<String>>,
    pub(crate) uri: Option<Vec<String>>,
    pub(crate) subject: Option<Vec<String>>,
    pub(crate) max_sans: Option<i64>,
    pub(crate) validity: Option<String>,
    pub(crate) max_validity: Option<String>,
    pub(crate) key_usage: Option<Vec<String>>,
    pub(crate) ext_key_usage: Option<Vec<String>>,
    pub(crate) default_key_usage: Option<Vec<String>>,
    pub(crate) default_ext_key_usage: Option<Vec<String>>,
    pub(crate) cmp_component_usages: bool,
    pub(crate) ca_certificates: bool,
    pub(crate) on_change: Option<String>,
    pub(crate) confirm_within: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawLabel {
    pub(crate) profile: Option<String>,
    pub(crate) profiles: Option<Vec<String>>,
    pub(crate) requesters: Option<Vec<String>>,
    pub(crate) cmp: Option<RawLabelCmp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawLabelCmp {
    pub(crate) mac: Option<Vec<String>>,
    pub(crate) sha1: Option<String>,
    pub(crate) max_iterations: Option<i64>,
    pub(crate) client_ca: Option<Vec<String>>,
    pub(crate) ra_clients: Option<Vec<String>>,
    pub(crate) signer: Option<RawKeystore>,
    pub(crate) implicit_confirm: Option<bool>,
    pub(crate) conformance: Option<String>,
    pub(crate) time_window: Option<String>,
    pub(crate) mac_revocation: Option<bool>,
    pub(crate) hold: Option<String>,
    pub(crate) unauthenticated_errors: Option<String>,
    pub(crate) clients: BTreeMap<String, RawCmpClient>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCmpClient {
    pub(crate) secret: Option<RawSecret>,
    pub(crate) acts_as_ra: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawCaller {
    pub(crate) token_sha256: Option<Vec<String>>,
    pub(crate) certificates: Option<Vec<String>>,
    pub(crate) service_account: Option<RawServiceAccount>,
    pub(crate) jwt: Option<RawJwt>,
    pub(crate) acts_as_ra: bool,
}

/// A ServiceAccount of the cluster whose tokens an issuer signs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawServiceAccount {
    pub(crate) issuer: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
}

/// Anyone else whom an issuer signs tokens for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawJwt {
    pub(crate) issuer: Option<String>,
    pub(crate) subject: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawTokenIssuer {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) keys: RawTokenKeys,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawTokenKeys {
    pub(crate) file: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) tls_roots: Option<Vec<String>>,
    pub(crate) token_file: Option<String>,
    pub(crate) refresh_every: Option<String>,
    pub(crate) max_age: Option<String>,
}
