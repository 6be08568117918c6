//! Collects what is wrong while the values of `cmpServers.json` become entries.

use pki::Certificate;
use serde_json::Value;

use crate::config::Problems;
use crate::files::Files;

/// Collects what is wrong while values become entries.
pub(super) struct Reader<'a> {
    pub(super) problems: Problems,
    /// Whether anything was not even of the right form.
    pub(super) malformed: bool,
    pub(super) files: &'a mut Files,
}

impl<'a> Reader<'a> {
    pub(super) fn new(files: &'a mut Files) -> Self {
        Self {
            problems: Problems::default(),
            malformed: false,
            files,
        }
    }

    pub(super) fn wrong(&mut self, key: &str, wrong: impl Into<String>, valid: impl Into<String>) {
        self.problems.add(key, wrong, valid);
    }

    pub(super) fn malformed(
        &mut self,
        key: &str,
        wrong: impl Into<String>,
        valid: impl Into<String>,
    ) {
        self.malformed = true;
        self.wrong(key, wrong, valid);
    }

    /// A value of another JSON type. What it is is not shown: it may be a secret.
    pub(super) fn mistyped(&mut self, key: &str, value: &Value, valid: &str) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.malformed(key, format!("{kind} is not valid"), valid);
    }

    pub(super) fn certificates(&mut self, key: &str, text: &str) -> Vec<Certificate> {
        let content = if text.contains("-----BEGIN ") {
            text.to_owned().into()
        } else {
            match self.files.read(text) {
                Ok(content) => content,
                Err(e) => {
                    self.wrong(
                        key,
                        format!("the file `{text}` cannot be read: {e}"),
                        "PEM text, or the path of a file",
                    );
                    return Vec::new();
                }
            }
        };
        match Certificate::all_from_pem(&content) {
            Ok(found) => found,
            Err(e) => {
                self.wrong(key, e.to_string(), "certificates in PEM");
                Vec::new()
            }
        }
    }
}
