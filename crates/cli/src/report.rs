//! Results, for people and for machines.

use std::path::{Path, PathBuf};

use api::v2::{Issued, RevocationReason};
use pki::{Certificate, name::onap};
use serde_json::{Value, json};

use crate::{args::OutputForm, bundle::Bundle};

/// What a run has to say on standard output.
pub(crate) enum Report {
    /// The same in two forms.
    Both {
        /// For people.
        text: String,
        /// For machines.
        json: Value,
    },
    /// The thing itself.
    Raw(String),
}

impl Report {
    /// A result in the form that was asked for; ends with a line end.
    pub(crate) fn rendered(self, form: OutputForm) -> String {
        match (self, form) {
            (Self::Raw(text), _) => text,
            (Self::Both { text, .. }, OutputForm::Text) => text,
            (Self::Both { json, .. }, OutputForm::Json) => format!("{json:#}\n"),
        }
    }

    /// Content that is its own report.
    pub(crate) fn raw(content: &[u8]) -> Self {
        Self::Raw(String::from_utf8_lossy(content).into_owned())
    }

    /// A certificate that was got, and where it is now.
    pub(crate) fn issued(
        bundle: &Bundle,
        issued: Option<&Issued>,
        written: &[(&'static str, PathBuf)],
        correlation_id: Option<&str>,
    ) -> Self {
        let leaf = &bundle.leaf;
        let mut text = lines(&[
            ("subject", subject(leaf)),
            ("names", names(leaf).join(", ")),
            ("serial", serial(leaf)),
            (
                "valid",
                format!("{} to {}", leaf.not_before(), leaf.not_after()),
            ),
            ("issuer", onap::display(leaf.issuer())),
            (
                "roots",
                bundle
                    .roots
                    .iter()
                    .map(subject)
                    .collect::<Vec<_>>()
                    .join("; "),
            ),
        ]);
        let changes = issued.map(|i| i.changes.as_slice()).unwrap_or_default();
        for change in changes {
            let side =
                |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            text.push_str(&line(
                "changed",
                &format!(
                    "{}: {} was asked for, {} was issued",
                    change.field,
                    side(&change.requested),
                    side(&change.issued)
                ),
            ));
        }
        for (what, path) in written {
            text.push_str(&line("written", &format!("{} ({what})", path.display())));
        }
        let files: serde_json::Map<_, _> = written
            .iter()
            .map(|(what, path)| ((*what).to_owned(), json!(path)))
            .collect();
        let json = json!({
            "status": "issued",
            "id": issued.map(|i| &i.id),
            "kind": issued.map(|i| i.kind),
            "subject": subject(leaf),
            "names": names(leaf),
            "serial": serial(leaf),
            "fingerprint": hex(&leaf.fingerprint()),
            "notBefore": leaf.not_before(),
            "notAfter": leaf.not_after(),
            "changes": changes,
            "files": files,
            "correlationId": correlation_id,
        });
        Self::Both { text, json }
    }

    /// A certificate that is good for longer.
    pub(crate) fn not_due(certificate: &Certificate) -> Self {
        Self::Both {
            text: format!(
                "not due: {} is valid until {}\n",
                subject(certificate),
                certificate.not_after()
            ),
            json: json!({ "status": "not-due", "subject": subject(certificate), "notAfter": certificate.not_after() }),
        }
    }

    /// A revocation that is done; without an id if it was before.
    pub(crate) fn revoked(
        id: Option<&str>,
        reason: RevocationReason,
        correlation_id: Option<&str>,
    ) -> Self {
        match id {
            Some(id) => Self::Both {
                text: format!("revoked: {reason}\n"),
                json: json!({ "status": "revoked", "id": id, "reason": reason, "correlationId": correlation_id }),
            },
            None => Self::Both {
                text: "revoked already\n".to_owned(),
                json: json!({ "status": "already-revoked" }),
            },
        }
    }

    /// Roots that were written to a file.
    pub(crate) fn trust(roots: &[Certificate], file: &Path) -> Self {
        let mut text = String::new();
        for root in roots {
            text.push_str(&line(
                "root",
                &format!(
                    "{}, valid until {}, SHA-256 {}",
                    subject(root),
                    root.not_after(),
                    hex(&root.fingerprint())
                ),
            ));
        }
        text.push_str(&line("written", &file.display().to_string()));
        let list: Vec<_> = roots.iter().map(|r| json!({ "subject": subject(r), "fingerprint": hex(&r.fingerprint()), "notAfter": r.not_after() })).collect();
        Self::Both {
            text,
            json: json!({ "status": "written", "roots": list, "file": file }),
        }
    }
}

/// A certificate's subject, first RDN first.
pub(crate) fn subject(certificate: &Certificate) -> String {
    onap::display(certificate.subject())
}

/// A certificate's alternative names.
pub(crate) fn names(certificate: &Certificate) -> Vec<String> {
    certificate.sans().iter().map(ToString::to_string).collect()
}

/// A serial number as REST v2 writes it: hex without leading zero bytes. In DER one stands before those that begin with a set bit.
pub(crate) fn serial(certificate: &Certificate) -> String {
    let number = certificate.serial();
    let zeros = number.iter().take_while(|b| **b == 0).count();
    hex(&number[zeros.min(number.len().saturating_sub(1))..])
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `label  value` lines; those without a value are left out.
pub(crate) fn lines(rows: &[(&str, String)]) -> String {
    rows.iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| line(label, value))
        .collect()
}

fn line(label: &str, value: &str) -> String {
    // What others wrote into a certificate must not move a terminal's cursor.
    let value = value.replace(char::is_control, "\u{fffd}");
    format!("{label:<12}{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(
            line("subject", "CN=\x1b[2J"),
            "subject     CN=\u{fffd}[2J\n"
        );
    }

    #[test]
    fn hex_has_two_digits_per_byte() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
