//! What every check needs: where to put problems, and how to read what keys refer to.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use pki::Certificate;
use pki::pkcs11::TokenSettings;
use secrecy::SecretString;

use super::duration;
use super::problem::Problems;
use super::raw::RawSecret;
use crate::files::Files;

/// Collects problems while raw values become checked ones. A check that fails notes why and goes on with a stand-in, so that the next
/// one is reported too; the stand-ins are thrown away with the rest.
pub(crate) struct Context {
    pub(crate) problems: Problems,
    /// What works, and is probably not meant.
    pub(crate) warnings: Problems,
    pub(crate) files: Files,
    /// PKCS#11 modules by name: what the URIs of keys lead to.
    pub(crate) tokens: BTreeMap<String, TokenSettings>,
}

impl Context {
    pub(crate) fn new(files: Files) -> Self {
        Self {
            problems: Problems::default(),
            warnings: Problems::default(),
            files,
            tokens: BTreeMap::new(),
        }
    }

    pub(crate) fn wrong(&mut self, key: &str, wrong: impl Into<String>, valid: impl Into<String>) {
        self.problems.add(key, wrong, valid);
    }

    /// Notes what works, and is probably not meant.
    pub(crate) fn doubt(&mut self, key: &str, doubt: impl Into<String>, better: impl Into<String>) {
        self.warnings.add(key, doubt, better);
    }

    /// A required value.
    pub(crate) fn required<T>(&mut self, key: &str, value: Option<T>, valid: &str) -> Option<T> {
        if value.is_none() {
            self.wrong(key, "missing", valid);
        }
        value
    }

    /// A text that has to be a `T`.
    pub(crate) fn parse<T: FromStr>(&mut self, key: &str, text: &str, valid: &str) -> Option<T> {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.wrong(key, format!("`{text}` is not valid"), valid);
        }
        parsed
    }

    /// Texts that have to be `T`s; `None` stays `None`.
    pub(crate) fn parse_all<T: FromStr>(
        &mut self,
        key: &str,
        texts: Option<&[String]>,
        valid: &str,
    ) -> Option<Vec<T>> {
        texts.map(|texts| {
            let numbered = texts.iter().enumerate();
            numbered
                .filter_map(|(i, text)| self.parse(&format!("{key}[{i}]"), text, valid))
                .collect()
        })
    }

    /// One word of several.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &str,
        text: Option<&str>,
        words: &[(&str, T)],
        default: T,
    ) -> T {
        let Some(text) = text else { return default };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let valid: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        self.wrong(
            key,
            format!("`{text}` is none of the words"),
            valid.join(", "),
        );
        default
    }

    /// A number within bounds.
    pub(crate) fn number(
        &mut self,
        key: &str,
        number: Option<i64>,
        default: u32,
        bounds: RangeInclusive<u32>,
    ) -> u32 {
        let Some(number) = number else { return default };
        match u32::try_from(number)
            .ok()
            .filter(|number| bounds.contains(number))
        {
            Some(number) => number,
            None => {
                self.wrong(
                    key,
                    format!("{number} is out of bounds"),
                    format!("{} to {}", bounds.start(), bounds.end()),
                );
                default
            }
        }
    }

    /// A span of time within bounds; `None` stays `None`.
    pub(crate) fn span(
        &mut self,
        key: &str,
        text: Option<&str>,
        bounds: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let text = text?;
        match duration::parse(text) {
            Some(span) if bounds.contains(&span) => Some(span),
            Some(_) => {
                let (least, most) = (
                    duration::show(*bounds.start()),
                    duration::show(*bounds.end()),
                );
                self.wrong(
                    key,
                    format!("`{text}` is out of bounds"),
                    format!("`{least}` to `{most}`"),
                );
                None
            }
            None => {
                self.wrong(
                    key,
                    format!("`{text}` is not a span of time"),
                    duration::VALID,
                );
                None
            }
        }
    }

    /// A file's content.
    pub(crate) fn file(&mut self, key: &str, path: &str) -> Option<Bytes> {
        match self.files.read(path) {
            Ok(content) => Some(content),
            Err(e) => {
                self.wrong(
                    key,
                    format!("the file `{path}` cannot be read: {e}"),
                    "the path of a file this process may read",
                );
                None
            }
        }
    }

    /// A secret out of a file or the environment; `None` stays `None`.
    pub(crate) fn secret(&mut self, key: &str, secret: Option<&RawSecret>) -> Option<SecretString> {
        const VALID: &str = "`{ file = \"path\" }` or `{ env = \"NAME\" }`, and not empty";
        let text = match secret? {
            RawSecret {
                literal: Some(text),
                ..
            } => (*text).to_owned(),
            RawSecret {
                file: Some(path),
                env: None,
                ..
            } => {
                let content = self.file(&format!("{key}.file"), path)?;
                let Some(text) = text_of_secret(&content) else {
                    self.wrong(key, format!("the file `{path}` is not UTF-8 text"), VALID);
                    return None;
                };
                text.to_owned()
            }
            RawSecret {
                file: None,
                env: Some(name),
                ..
            } => match std::env::var(name) {
                Ok(text) => text,
                Err(_) => {
                    self.wrong(
                        &format!("{key}.env"),
                        format!("the environment has no variable `{name}`"),
                        VALID,
                    );
                    return None;
                }
            },
            RawSecret {
                file: Some(_),
                env: Some(_),
                ..
            } => {
                self.wrong(key, "names a file and a variable", "one of them");
                return None;
            }
            RawSecret {
                file: None,
                env: None,
                ..
            } => {
                self.wrong(key, "names neither a file nor a variable", VALID);
                return None;
            }
        };
        if text.is_empty() {
            self.wrong(key, "the secret is empty", VALID);
            return None;
        }
        Some(SecretString::from(text))
    }

    /// Every certificate in the named PEM or DER files; at least one in each.
    pub(crate) fn certificates(&mut self, key: &str, paths: &[String]) -> Vec<Certificate> {
        let mut found = Vec::new();
        for (i, path) in paths.iter().enumerate() {
            let key = format!("{key}[{i}]");
            let Some(content) = self.file(&key, path) else {
                continue;
            };
            match certificates(&content) {
                Ok(list) if !list.is_empty() => found.extend(list),
                Ok(_) => self.wrong(
                    &key,
                    format!("`{path}` has no certificate"),
                    "a file with certificates, PEM or DER",
                ),
                Err(e) => self.wrong(
                    &key,
                    format!("`{path}`: {e}"),
                    "a file with certificates, PEM or DER",
                ),
            }
        }
        found
    }
}

/// The secret in a file; `None` when it is no text. Editors end files with a line feed, and nobody means it as part of a password.
pub(crate) fn text_of_secret(content: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(content).ok()?;
    let line = text.strip_suffix('\n');
    Some(line.map_or(text, |text| text.strip_suffix('\r').unwrap_or(text)))
}

fn certificates(content: &Bytes) -> Result<Vec<Certificate>, pki::CertificateError> {
    if content.first() == Some(&0x30) {
        return Certificate::from_der(content.clone()).map(|one| vec![one]);
    }
    Certificate::all_from_pem(content)
}
