//! Where and how the journal is kept.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use ra::AuthorityName;
use store::{Options, Password, Retention, Target, TargetError, Tls, TlsMode};

use super::authority::AuthorityConfig;
use super::context::{self, Context};
use super::duration;
use super::raw::{RawJournal, RawJournalTls, RawRetention, RawSecret};

/// Where and how the journal is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalConfig {
    /// The database; `None`: in memory, forgotten with the process.
    pub database: Option<Target>,
    /// How it is used.
    pub options: Options,
    /// For how long a row is kept from others while we ask a CA and confirm; longer than two calls may take.
    pub lease: SignedDuration,
    /// How often rows that are due are looked for.
    pub sweep_every: Duration,
    /// How many of them are carried on at a time.
    pub sweep_at_once: usize,
    /// What is kept how long.
    pub retention: Retention,
    /// How often what is too old is looked for.
    pub compact_every: Duration,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self {
            database: None,
            options: Options::default(),
            lease: SignedDuration::from_secs(70),
            sweep_every: Duration::from_secs(1),
            sweep_at_once: 32,
            retention: Retention::default(),
            compact_every: Duration::from_secs(6 * 3600),
        }
    }
}

const URL: &str = "`sqlite:///path/journal.db` or `postgres://user@host/database`";
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn check(raw: &RawJournal, cx: &mut Context) -> JournalConfig {
    let default = JournalConfig::default();
    let lease = Duration::from_secs(10)..=Duration::from_secs(3600);
    let lease = cx
        .span("journal.lease", raw.lease.as_deref(), lease)
        .and_then(|span| SignedDuration::try_from(span).ok())
        .unwrap_or(default.lease);
    JournalConfig {
        database: database(raw, cx),
        options: options(raw, lease, cx),
        lease,
        sweep_every: cx
            .span(
                "journal.sweep_every",
                raw.sweep_every.as_deref(),
                Duration::from_millis(50)..=Duration::from_secs(60),
            )
            .unwrap_or(default.sweep_every),
        sweep_at_once: cx.number("journal.sweep_at_once", raw.sweep_at_once, 32, 1..=1000) as usize,
        retention: retention(&raw.retention, cx),
        compact_every: cx
            .span(
                "journal.retention.every",
                raw.retention.every.as_deref(),
                Duration::from_millis(100)..=30 * DAY,
            )
            .unwrap_or(default.compact_every),
    }
}

/// A row is claimed for asking and confirming together. A claim that runs out in between does no harm, but two processes then do one's work.
pub(super) fn lease_suffices(
    journal: &JournalConfig,
    authorities: &HashMap<AuthorityName, AuthorityConfig>,
    cx: &mut Context,
) {
    let totals = authorities
        .values()
        .filter_map(|authority| match authority {
            AuthorityConfig::Cmp(cmp) => Some(cmp.guard.gate.deadline),
            AuthorityConfig::Local(_) => None,
        });
    let Some(longest) = totals.max() else { return };
    let least = longest * 2 + Duration::from_secs(5);
    if Duration::try_from(journal.lease).is_ok_and(|lease| lease < least) {
        let wrong = "shorter than two calls to a CA may take (its `limits.deadline`, which is `transport.total_timeout` and 500 ms unless given)";
        cx.wrong(
            "journal.lease",
            wrong,
            format!("at least `{}`", duration::show(least)),
        );
    }
}

fn database(raw: &RawJournal, cx: &mut Context) -> Option<Target> {
    let url = raw.url.as_deref()?;
    let target = match Target::parse(&absolute(url, cx)) {
        Ok(target) => target,
        Err(TargetError::Scheme) => {
            cx.wrong("journal.url", "not the URL of a database", URL);
            return None;
        }
        Err(e) => {
            cx.wrong("journal.url", e.to_string(), URL);
            return None;
        }
    };
    if target.has_password() {
        let valid = "the URL without it, and `journal.password = { file = \"path\" }` or `{ env = \"NAME\" }`";
        cx.wrong("journal.url", "a password stands in it", valid);
        return None;
    }
    if !target.is_server() {
        for (key, given) in [
            ("journal.password", raw.password.is_some()),
            ("journal.tls", raw.tls.is_given()),
        ] {
            if given {
                cx.wrong(
                    key,
                    "SQLite has none",
                    "a PostgreSQL server in `journal.url`",
                );
            }
        }
        return Some(target);
    }
    let target = match password(raw.password.as_ref(), cx) {
        Some(password) => target.with_password(password),
        None => target,
    };
    let tls = tls(&raw.tls, &target, cx)?;
    Some(target.with_tls(tls))
}

/// The URL of a SQLite file whose path begins where the configuration lies, as every other path does.
fn absolute(url: &str, cx: &Context) -> String {
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return url.to_owned();
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let base = cx.files.resolve("");
    if path.is_empty()
        || path.starts_with(['/', ':', '?'])
        || base.as_os_str().is_empty()
        || !Path::new(path).is_relative()
    {
        return url.to_owned();
    }
    let mut whole = String::from("sqlite://");
    for byte in base.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            whole.push(char::from(*byte));
        } else {
            whole.push_str(&format!("%{byte:02X}"));
        }
    }
    if !whole.ends_with('/') {
        whole.push('/');
    }
    whole + path
}

/// Read now, so that a mistake shows, and again for each connection, so that a new one counts.
fn password(raw: Option<&RawSecret>, cx: &mut Context) -> Option<Password> {
    const KEY: &str = "journal.password";
    let given = cx.secret(KEY, raw)?;
    let Some(path) = raw.and_then(|raw| raw.file.as_ref()) else {
        return Some(Arc::new(move || Ok(given.clone())));
    };
    let path = cx.files.resolve(path);
    Some(Arc::new(move || {
        let content = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let text = context::text_of_secret(&content)
            .ok_or_else(|| format!("{} is not UTF-8 text", path.display()))?;
        Ok(text.to_owned().into())
    }))
}

fn tls(raw: &RawJournalTls, target: &Target, cx: &mut Context) -> Option<Tls> {
    let default = target.tls()?.clone();
    let modes = [
        ("verify-full", TlsMode::VerifyFull),
        ("require", TlsMode::Require),
        ("disable", TlsMode::Disable),
    ];
    let mode = cx.word(
        "journal.tls.mode",
        raw.mode.as_deref(),
        &modes,
        default.mode,
    );
    let mode = match (raw.mode.as_ref(), &raw.roots) {
        // Whoever names what to trust wants it checked.
        (None, Some(_)) => TlsMode::VerifyFull,
        (Some(_), Some(_)) if mode != TlsMode::VerifyFull => {
            cx.wrong(
                "journal.tls.roots",
                "nothing is checked in this `journal.tls.mode`",
                "`verify-full`",
            );
            return None;
        }
        _ => mode,
    };
    let mut file = |key: &str, path: Option<&String>| match path {
        Some(path) => cx.file(key, path).map(|_| Some(cx.files.resolve(path))),
        None => Some(None),
    };
    let roots = file("journal.tls.roots", raw.roots.as_ref())?;
    let certificate = file("journal.tls.certificate", raw.certificate.as_ref())?;
    let key = file("journal.tls.key", raw.key.as_ref())?;
    let identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            let wrong = "`certificate` and `key` belong together";
            cx.wrong("journal.tls", wrong, "both, or neither");
            return None;
        }
    };
    Some(Tls {
        mode,
        roots,
        identity,
    })
}

impl RawJournalTls {
    fn is_given(&self) -> bool {
        [&self.mode, &self.roots, &self.certificate, &self.key]
            .iter()
            .any(|value| value.is_some())
    }
}

fn options(raw: &RawJournal, lease: SignedDuration, cx: &mut Context) -> Options {
    let default = Options::default();
    let second = Duration::from_secs(1);
    let mut span = |key: &str, text: &Option<String>, default, most: u32| {
        cx.span(key, text.as_deref(), second / 10..=second * most)
            .unwrap_or(default)
    };
    let half = Duration::try_from(lease).map_or(second, |lease| lease / 2);
    Options {
        connect_within: span(
            "journal.connect_within",
            &raw.connect_within,
            default.connect_within,
            60,
        ),
        answer_within: span(
            "journal.answer_within",
            &raw.answer_within,
            default.answer_within,
            300,
        ),
        start_within: span(
            "journal.start_within",
            &raw.start_within,
            default.start_within,
            3600,
        ),
        persist_within: default.persist_within.min(half),
        readers: cx.number(
            "journal.connections",
            raw.connections,
            default.readers,
            1..=64,
        ),
        ..default
    }
}

fn retention(raw: &RawRetention, cx: &mut Context) -> Retention {
    let mut span = |key: &str, text: &Option<String>| {
        cx.span(
            key,
            text.as_deref(),
            Duration::from_secs(3600)..=36_600 * DAY,
        )
        .and_then(|span| SignedDuration::try_from(span).ok())
    };
    let retention = Retention {
        entries: span("journal.retention.entries", &raw.entries),
        audit: span("journal.retention.audit", &raw.audit),
        issuances: span("journal.retention.issuances", &raw.issuances),
    };
    if raw.issuances.is_some() && raw.entries.is_none() {
        let wrong = "an entry holds on to its certificate, and entries are kept for ever";
        let valid = "`journal.retention.entries` beside it";
        cx.wrong("journal.retention.issuances", wrong, valid);
    }
    retention
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Files;

    fn checked(raw: &RawJournal) -> Result<JournalConfig, Vec<String>> {
        let mut cx = Context::new(Files::relative_to("/etc/a b%"));
        let config = check(raw, &mut cx);
        if cx.problems.is_empty() {
            Ok(config)
        } else {
            Err(cx.problems.0.into_iter().map(|p| p.to_string()).collect())
        }
    }

    fn at(url: &str) -> RawJournal {
        RawJournal {
            url: Some(url.to_owned()),
            ..RawJournal::default()
        }
    }

    #[test]
    fn the_path_of_a_sqlite_file_begins_where_the_configuration_lies() {
        for (url, meant) in [
            ("sqlite://x.db", "sqlite:///etc/a%20b%25/x.db"),
            (
                "sqlite:d/x.db?mode=rw",
                "sqlite:///etc/a%20b%25/d/x.db?mode=rw",
            ),
            ("sqlite:///var/x.db", "sqlite:///var/x.db"),
        ] {
            let config = checked(&at(url)).unwrap();
            assert_eq!(config.database.unwrap().to_string(), meant);
        }
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_shown() {
        for url in [
            "postgres://u:geheim@h/d",
            "postgres://u@h/d?password=geheim",
        ] {
            let problems = checked(&at(url)).unwrap_err().join("\n");
            assert!(problems.contains("journal.password"), "{problems}");
            assert!(!problems.contains("geheim"), "{problems}");
        }
    }

    #[test]
    fn roots_that_nobody_would_look_at_are_refused() {
        let mut raw = at("postgres://u@h/d");
        raw.tls.mode = Some("require".to_owned());
        raw.tls.roots = Some("roots.pem".to_owned());
        let problems = checked(&raw).unwrap_err();
        assert!(problems[0].starts_with("journal.tls.roots"), "{problems:?}");
    }

    #[test]
    fn a_file_takes_neither_password_nor_tls() {
        let mut raw = at("sqlite:///x.db");
        raw.tls.mode = Some("verify-full".to_owned());
        raw.password = Some(RawSecret::default());
        assert_eq!(checked(&raw).unwrap_err().len(), 2);
    }

    #[test]
    fn certificates_cannot_go_while_their_entries_stay_for_ever() {
        let mut raw = at("sqlite:///x.db");
        raw.retention.issuances = Some("90d".to_owned());
        let problems = checked(&raw).unwrap_err();
        assert!(problems[0].starts_with("journal.retention.issuances"));
        raw.retention.entries = Some("90d".to_owned());
        assert!(checked(&raw).is_ok());
    }
}
