//! Configuration: raw values with nothing checked become checked types that cannot be wrong, and every error is reported at once.
//!
//! docs/CONFIG.md has a line for each key. [`read()`] is the way in; [`crate::onap`] makes the same [`Config`] out of CertService's
//! environment and `cmpServers.json`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use pki::pkcs11::TokenSettings;
use ra::{AuthorityName, Label, Profile, ProfileName};

use crate::callers::Caller;
use crate::files::Files;
use crate::settings::{CmpListener, V1Settings};

mod admin;
mod authority;
mod caller;
mod context;
mod duration;
mod journal;
mod label;
mod listen;
mod problem;
mod profile;
mod raw;
mod read;
mod show;
mod telemetry;
mod token;
mod token_issuer;

pub use admin::AdminListen;
pub use authority::{AuthorityConfig, LocalConfig};
pub(crate) use context::Context;
pub(crate) use duration::parse as span;
pub use journal::JournalConfig;
pub use label::{CmpClient, LabelConfig};
pub use listen::{Addresses, Limits, Listen, Tls};
pub use problem::{Problem, Problems};
pub(crate) use raw::{RawConfig, RawKeystore, RawSecret, RawTruststore};
pub(crate) use show::shown;
pub use telemetry::OtlpConfig;
pub use token_issuer::{TokenIssuerConfig, TokenKeys};

/// A configuration that was found to be right.
pub struct Config {
    /// Where and how we listen.
    pub listen: Listen,
    /// Where operators ask.
    pub admin: AdminListen,
    /// What was done is kept here.
    pub journal: JournalConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Where traces go; `None`: nowhere.
    pub otlp: Option<OtlpConfig>,
    /// How often files are looked at for changes.
    pub reload_every: Duration,
    /// REST v1.
    pub v1: V1Settings,
    /// CMP, whatever the label.
    pub cmp: CmpListener,
    /// The PKCS#11 modules that keys may be in, by name.
    pub tokens: BTreeMap<String, TokenSettings>,
    /// The CAs we can ask.
    pub authorities: HashMap<AuthorityName, AuthorityConfig>,
    /// What is allowed.
    pub profiles: HashMap<ProfileName, Profile>,
    /// The names in URLs.
    pub labels: HashMap<Label, LabelConfig>,
    /// REST callers known by name.
    pub callers: Vec<Caller>,
    /// Whose signed tokens REST callers may show.
    pub token_issuers: Vec<TokenIssuerConfig>,
    /// What works, and is probably not meant.
    pub warnings: Problems,
    /// Every file it was read from.
    pub files: Files,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Which events, in the syntax of `RUST_LOG`.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            json: false,
            filter: "info".to_owned(),
        }
    }
}

/// The configuration in the file at `path`, overridden by the environment. Paths in it start where it lies.
///
/// # Errors
/// Everything that is wrong with it. The files come with it, so that a change of them can be waited for.
pub fn read(path: &Path) -> Result<Config, (Problems, Files)> {
    let base = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let name = path.file_name().unwrap_or_default();
    let mut cx = Context::new(Files::relative_to(base));
    let text = cx.file("", &name.to_string_lossy());
    let text = text.as_deref().map(std::str::from_utf8);
    let Some(Ok(text)) = text else {
        if text.is_some() {
            cx.wrong("", "the file is not UTF-8 text", "TOML");
        }
        return Err((cx.problems, cx.files));
    };
    let raw = read::read(text, &mut cx.problems);
    check(&raw, cx)
}

/// What the environment alone says, for a service that is not configured by a file.
pub(crate) fn raw_environment(cx: &mut Context) -> RawConfig {
    read::read("", &mut cx.problems)
}

/// Raw values to checked types.
pub(crate) fn check(raw: &RawConfig, mut cx: Context) -> Result<Config, (Problems, Files)> {
    let cx_ = &mut cx;
    cx_.tokens = token::check(&raw.pkcs11, cx_);
    let listen = listen::check(&raw.listen, cx_);
    let admin = admin::check(&raw.admin, cx_);
    let journal = journal::check(&raw.journal, cx_);
    let log = log(&raw.log, cx_);
    let otlp = telemetry::check(&raw.telemetry, cx_);
    let reload_every = cx_
        .span(
            "reload.every",
            raw.reload.every.as_deref(),
            Duration::from_millis(100)..=Duration::from_secs(86_400),
        )
        .unwrap_or(Duration::from_secs(5));
    let v1 = v1(&raw.v1, cx_);
    let cmp = label::listener(&raw.cmp, &raw.labels, cx_);
    let mut authorities = HashMap::new();
    for (name, raw) in &raw.authorities {
        if let Some(config) = authority::check(name, raw, cx_) {
            authorities.insert(AuthorityName::new(name), config);
        }
    }
    journal::lease_suffices(&journal, &authorities, cx_);
    let mut profiles = HashMap::new();
    for (name, raw_profile) in &raw.profiles {
        if let Some(profile) = profile::check(name, raw_profile, cx_) {
            if !raw.authorities.contains_key(profile.authority.as_str()) {
                let names: Vec<_> = raw
                    .authorities
                    .keys()
                    .map(|name| format!("`{name}`"))
                    .collect();
                let valid = if names.is_empty() {
                    "an authority, of which there is none".to_owned()
                } else {
                    names.join(", ")
                };
                cx_.wrong(
                    &format!("profiles.{name}.authority"),
                    format!("there is no authority `{}`", profile.authority),
                    valid,
                );
            }
            let ours = raw
                .authorities
                .get(profile.authority.as_str())
                .is_some_and(|authority| authority.local.is_some());
            if raw_profile.anchors.is_none() && raw_profile.issuer_dn.is_none() && !ours {
                let valid = "files with the roots that issued certificates have to chain to, or `issuer_dn` where none is known";
                cx_.wrong(&format!("profiles.{name}.anchors"), "missing", valid);
            }
            profiles.insert(profile.name.clone(), profile);
        }
    }
    let mut labels = HashMap::new();
    for (name, raw) in &raw.labels {
        if let Some(label) = label::check(name, raw, cx_) {
            labels.insert(Label::new(name), label);
        }
    }
    label::references(
        &labels,
        &profiles,
        &raw.profiles.keys().collect::<Vec<_>>(),
        cx_,
    );
    let token_issuers = token_issuer::check(&raw.token_issuers, cx_);
    let callers: Vec<Caller> = raw
        .callers
        .iter()
        .map(|(name, raw)| caller::check(name, raw, cx_))
        .collect();
    token_issuer::references(&callers, &raw.token_issuers.keys().collect::<Vec<_>>(), cx_);
    if !cx.problems.is_empty() {
        return Err((cx.problems, cx.files));
    }
    Ok(Config {
        listen,
        admin,
        journal,
        log,
        otlp,
        reload_every,
        v1,
        cmp,
        tokens: cx.tokens,
        authorities,
        profiles,
        labels,
        callers,
        token_issuers,
        warnings: cx.warnings,
        files: cx.files,
    })
}

fn log(raw: &raw::RawLog, cx: &mut Context) -> LogConfig {
    let default = LogConfig::default();
    let json = cx.word(
        "log.format",
        raw.format.as_deref(),
        &[("text", false), ("json", true)],
        default.json,
    );
    let filter = raw.filter.clone().unwrap_or(default.filter);
    if let Err(e) = tracing_subscriber::EnvFilter::try_new(&filter) {
        cx.wrong(
            "log.filter",
            format!("`{filter}`: {e}"),
            "`info`, or targets and levels as `info,ra=debug`",
        );
    }
    LogConfig { json, filter }
}

fn v1(raw: &raw::RawV1, cx: &mut Context) -> V1Settings {
    let default = V1Settings::default();
    V1Settings {
        hold: cx
            .span(
                "v1.hold",
                raw.hold.as_deref(),
                Duration::from_millis(100)..=Duration::from_secs(3600),
            )
            .unwrap_or(default.hold),
        replay: cx
            .span(
                "v1.replay",
                raw.replay.as_deref(),
                Duration::ZERO..=Duration::from_secs(86_400),
            )
            .unwrap_or(default.replay),
    }
}

#[cfg(test)]
mod tests;
