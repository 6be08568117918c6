//! The command line. Each option can also be set by an environment variable: `CERTWAY_` and its name, as `--help` shows.

use std::{path::PathBuf, str::FromStr, time::Duration};

use api::{
    client::BaseUrl,
    v2::{Lifetime, RevocationReason, Usage},
};
use clap::{Parser, Subcommand, ValueEnum};
use jiff::Span;
use pki::KeyKind;

use crate::{exit, names::Names};

/// Gets X.509 certificates from a company's CA through certway-ra.
#[derive(Parser)]
#[command(name = "certway", version, after_long_help = exit::TABLE, after_help = exit::TABLE)]
pub(crate) struct Args {
    /// Results for people or for machines.
    #[arg(
        long,
        global = true,
        env = "CERTWAY_OUTPUT",
        value_enum,
        default_value = "text"
    )]
    pub(crate) output: OutputForm,
    /// No remarks and no progress on standard error; errors are still shown.
    #[arg(short, long, global = true, env = "CERTWAY_QUIET")]
    pub(crate) quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are written to standard output, and a failure to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// A few lines.
    Text,
    /// One JSON object.
    Json,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Get a certificate: makes the key, asks for the certificate, writes both with the chain and every root.
    ///
    /// A run that was cut off (killed, no network, CA too slow) is taken up again by running the same command: it gets the certificate that
    /// was asked for, with the key that was made for it, and never a second one.
    Enroll(Box<Enroll>),
    /// Get the successor of a certificate, with a new key unless told otherwise.
    Renew(Box<Renew>),
    /// Revoke a certificate.
    Revoke(Box<Revoke>),
    /// Get every root to be trusted.
    Trust(Box<Trust>),
    /// Show what is in a file: certificates, requests, keys, stores; PEM, DER, PKCS#12 or JKS.
    Show(Show),
}

/// Where the service is, and as whom we come.
#[derive(clap::Args)]
pub(crate) struct Connection {
    /// Address of certway-ra, such as `https://ra.example.com:8443`.
    #[arg(long, env = "CERTWAY_URL")]
    pub(crate) url: BaseUrl,
    /// The CA's name (label) there.
    #[arg(long, env = "CERTWAY_CA")]
    pub(crate) ca: String,
    /// Roots to trust for TLS, PEM; the system's if absent.
    #[arg(long, env = "CERTWAY_CACERT", value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// Our TLS client certificate with its chain: PEM, or a PKCS#12 or JKS store with its key.
    #[arg(long, env = "CERTWAY_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of --tls-cert, if it is not in the same file.
    #[arg(
        long,
        env = "CERTWAY_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,
    /// Password of --tls-key or of the store in --tls-cert; or CERTWAY_TLS_PASSWORD.
    #[arg(long, env = "CERTWAY_TLS_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) tls_password_file: Option<PathBuf>,
    /// A bearer token; or CERTWAY_TOKEN.
    #[arg(long, env = "CERTWAY_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Limit for one request.
    #[arg(long, env = "CERTWAY_TIMEOUT", default_value = "60s", value_parser = duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
    /// For how long to try again when the service cannot be reached.
    #[arg(long, env = "CERTWAY_RETRY_FOR", default_value = "15s", value_parser = duration, value_name = "TIME")]
    pub(crate) retry_for: Duration,
    /// For how long to wait for a CA that takes its time, or a service that says when to come back; running the same command again goes on
    /// waiting.
    #[arg(long, env = "CERTWAY_WAIT", default_value = "1h", value_parser = duration, value_name = "TIME")]
    pub(crate) wait: Duration,
}

/// What the certificate should be.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    /// Subject, first RDN first: "C=DE,O=Example,CN=web". (RFC 4514 tools write the same name the other way round.)
    #[arg(long, env = "CERTWAY_SUBJECT", value_name = "DN")]
    pub(crate) subject: Option<String>,
    /// Subject alternative names: dns:web.example.com ip:10.0.0.1 email:a@b uri:spiffe://x/y, also with commas between; repeatable.
    #[arg(long, env = "CERTWAY_SAN", num_args = 1.., value_name = "NAME")]
    pub(crate) san: Vec<Names>,
    /// Lifetime, as 2160h or P90D; the profile's if absent.
    #[arg(long, env = "CERTWAY_DURATION", value_name = "TIME")]
    pub(crate) duration: Option<Lifetime>,
    /// Key usages by cert-manager's names: server-auth, client-auth, digital-signature, ...; repeatable, or with commas between.
    #[arg(
        long,
        env = "CERTWAY_USAGE",
        value_delimiter = ',',
        value_name = "USAGE"
    )]
    pub(crate) usage: Vec<Usage>,
    /// Which of the CA's profiles; the one that the CA's name and our identity lead to if absent.
    #[arg(long, env = "CERTWAY_PROFILE")]
    pub(crate) profile: Option<String>,
}

/// Where the results go.
#[derive(clap::Args)]
pub(crate) struct Outputs {
    /// For pem a folder, for pkcs12 and jks the file.
    #[arg(long, env = "CERTWAY_OUT", default_value = ".", value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// In which form.
    #[arg(long, env = "CERTWAY_FORMAT", value_enum, default_value = "pem")]
    pub(crate) format: StoreFormat,
    /// pem: the certificate and its chain go here instead of tls.crt in --out.
    #[arg(long, env = "CERTWAY_CERT_OUT", value_name = "FILE")]
    pub(crate) cert_out: Option<PathBuf>,
    /// pem: the key goes here instead of tls.key in --out.
    #[arg(long, env = "CERTWAY_KEY_OUT", value_name = "FILE")]
    pub(crate) key_out: Option<PathBuf>,
    /// pem: the roots go here instead of ca.crt in --out.
    #[arg(long, env = "CERTWAY_CA_OUT", value_name = "FILE")]
    pub(crate) ca_out: Option<PathBuf>,
    /// pkcs12, jks: the password of the store; or CERTWAY_PASSWORD.
    #[arg(long, env = "CERTWAY_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// pkcs12, jks: the name of the key's entry in the store.
    #[arg(long, env = "CERTWAY_ALIAS", default_value = "certificate")]
    pub(crate) alias: String,
}

/// The form of key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreFormat {
    /// tls.crt (certificate and chain), tls.key, ca.crt (every root).
    Pem,
    /// One PKCS#12 store with key, chain and every root.
    Pkcs12,
    /// One Java key store with key, chain and every root.
    Jks,
}

/// Options of `enroll`.
#[derive(clap::Args)]
pub(crate) struct Enroll {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// The key to be made: ec:P-256, ec:P-384, ec:P-521, rsa:2048, rsa:3072, rsa:4096, ed25519, ml-dsa-44, -65, -87.
    #[arg(
        long,
        env = "CERTWAY_KEY_TYPE",
        default_value = "ec:P-256",
        value_name = "KIND"
    )]
    pub(crate) key_type: KeyKind,
    /// Use this private key instead of making one.
    #[arg(long, env = "CERTWAY_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Password of --key; or CERTWAY_KEY_PASSWORD.
    #[arg(long, env = "CERTWAY_KEY_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) key_password_file: Option<PathBuf>,
    /// Send this certificate signing request as it is; its key stays where it is, unless given with --key.
    #[arg(long, env = "CERTWAY_CSR", value_name = "FILE", conflicts_with_all = ["subject", "san"])]
    pub(crate) csr: Option<PathBuf>,
    /// Ask for a CA's certificate.
    #[arg(long, env = "CERTWAY_IS_CA")]
    pub(crate) is_ca: bool,
    /// The caller's own name for this enrollment, instead of a random one: the same name never gets a second certificate.
    #[arg(long, env = "CERTWAY_IDEMPOTENCY_KEY", value_name = "KEY")]
    pub(crate) idempotency_key: Option<api::client::IdempotencyKey>,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

/// Options of `renew`.
#[derive(clap::Args)]
pub(crate) struct Renew {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// The certificate to be succeeded: PEM, or a store with its key; what the last run wrote if absent.
    ///
    /// Without --tls-cert and a token it is also our TLS client certificate.
    #[arg(long, env = "CERTWAY_CERT", value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The key of --cert, if it is not in the same file.
    #[arg(long, env = "CERTWAY_KEY", value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Password of --key or of the store in --cert; or CERTWAY_KEY_PASSWORD; the password of the output if both are the same file.
    #[arg(long, env = "CERTWAY_KEY_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) key_password_file: Option<PathBuf>,
    /// Do nothing, successfully, unless the certificate expires within this time, such as 30d.
    #[arg(long, env = "CERTWAY_IF_EXPIRES_WITHIN", value_name = "TIME")]
    pub(crate) if_expires_within: Option<Lifetime>,
    /// Subject and names are those of the old certificate, unless given here.
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// The key to be made; of the old key's kind if absent.
    #[arg(
        long,
        env = "CERTWAY_KEY_TYPE",
        value_name = "KIND",
        conflicts_with = "reuse_key"
    )]
    pub(crate) key_type: Option<KeyKind>,
    /// Keep the key.
    #[arg(long, env = "CERTWAY_REUSE_KEY")]
    pub(crate) reuse_key: bool,
    #[command(flatten)]
    pub(crate) outputs: Outputs,
}

/// Options of `revoke`.
#[derive(clap::Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// The certificate to be revoked: PEM, DER, or a store.
    #[arg(long, env = "CERTWAY_CERT", value_name = "FILE", required_unless_present_all = ["issuer", "serial"])]
    pub(crate) cert: Option<PathBuf>,
    /// Its key: with it we come as the certificate's holder over TLS, unless --tls-cert or a token is given.
    #[arg(long, env = "CERTWAY_KEY", value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Password of --key or of the store in --cert; or CERTWAY_KEY_PASSWORD.
    #[arg(long, env = "CERTWAY_KEY_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) key_password_file: Option<PathBuf>,
    /// Instead of --cert: the name of its issuer, first RDN first.
    #[arg(
        long,
        env = "CERTWAY_ISSUER",
        value_name = "DN",
        conflicts_with = "cert",
        requires = "serial"
    )]
    pub(crate) issuer: Option<String>,
    /// Instead of --cert: its serial number in hex.
    #[arg(
        long,
        env = "CERTWAY_SERIAL",
        value_name = "HEX",
        conflicts_with = "cert",
        requires = "issuer"
    )]
    pub(crate) serial: Option<String>,
    /// Why, by RFC 5280: keyCompromise, superseded, cessationOfOperation, affiliationChanged, certificateHold, ...
    #[arg(long, env = "CERTWAY_REASON", default_value = "unspecified")]
    pub(crate) reason: RevocationReason,
}

/// Options of `trust`.
#[derive(clap::Args)]
pub(crate) struct Trust {
    #[command(flatten)]
    pub(crate) connection: Connection,
    /// Where to write; standard output if absent (pem and json only).
    #[arg(long, env = "CERTWAY_OUT", value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// In which form.
    #[arg(
        long,
        env = "CERTWAY_FORMAT",
        default_value = "pem",
        value_name = "pem|pkcs12|jks|json"
    )]
    pub(crate) format: api::v2::TrustFormat,
    /// pkcs12, jks: the password of the store; or CERTWAY_PASSWORD; "changeit" if there is neither.
    #[arg(long, env = "CERTWAY_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// Options of `show`.
#[derive(clap::Args)]
pub(crate) struct Show {
    /// The file; - for standard input.
    pub(crate) file: PathBuf,
    /// Password of a store or of an encrypted key; or CERTWAY_PASSWORD.
    #[arg(long, env = "CERTWAY_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

/// A length of time that is not on the calendar: 500ms, 30s, 5m, 1h, 2d, PT1H. A day has 24 hours.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "not a length of time; write it as 30s, 5m, 1h or PT1H".to_owned();
    let span = Span::from_str(text).map_err(|_| wrong())?;
    let exact = span
        .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong())?;
    Duration::try_from(exact).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
