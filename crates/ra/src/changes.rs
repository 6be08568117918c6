use pki::usage::Usage;
use pki::{Certificate, Template};
use serde::{Deserialize, Serialize};

/// One thing the CA issued otherwise than it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What: `subject`, `subjectAltName`, `notBefore`, `notAfter`, `keyUsage`, `extendedKeyUsage`, `basicConstraints`.
    pub field: String,
    /// What was asked for.
    pub requested: String,
    /// What was issued.
    pub issued: String,
}

/// Everything the CA issued otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes(pub Vec<Change>);

/// A CA may round times to its clock; less than this is no change.
const ROUNDING_SECONDS: i64 = 300;

impl Changes {
    /// Compares what was asked for with what was issued; what was left to the CA is no change.
    pub fn between(asked: &Template, issued: &Certificate) -> Self {
        let mut found = Self::default();
        if !pki::name::same_name_unordered(&asked.subject, issued.subject()) {
            found.note(
                "subject",
                pki::name::onap::display(&asked.subject),
                pki::name::onap::display(issued.subject()),
            );
        }
        let missing = asked.sans.iter().any(|name| !issued.sans().contains(name));
        let added = issued.sans().iter().any(|name| !asked.sans.contains(name));
        if missing || added {
            found.note("subjectAltName", list(&asked.sans), list(issued.sans()));
        }
        for (field, wanted, got) in [
            ("notBefore", asked.validity.not_before, issued.not_before()),
            ("notAfter", asked.validity.not_after, issued.not_after()),
        ] {
            if let Some(wanted) = wanted
                .filter(|wanted| got.duration_since(*wanted).as_secs().abs() > ROUNDING_SECONDS)
            {
                found.note(field, wanted.to_string(), got.to_string());
            }
        }
        if let Some(wanted) = asked
            .key_usage
            .filter(|wanted| issued.key_usage() != Some(*wanted))
        {
            found.note(
                "keyUsage",
                wanted.to_string(),
                issued
                    .key_usage()
                    .map(|got| got.to_string())
                    .unwrap_or_default(),
            );
        }
        let got = issued.ext_key_usage().unwrap_or_default();
        if !asked.ext_key_usage.is_empty()
            && (asked.ext_key_usage.len() != got.len()
                || asked.ext_key_usage.iter().any(|oid| !got.contains(oid)))
        {
            let names = |oids: &[pki::ObjectIdentifier]| {
                oids.iter()
                    .map(|oid| Usage::Extended(*oid).to_string())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            found.note("extendedKeyUsage", names(&asked.ext_key_usage), names(got));
        }
        if asked.ca.is_some() != issued.is_ca() {
            let word = |ca: bool| if ca { "CA" } else { "end entity" }.to_owned();
            found.note(
                "basicConstraints",
                word(asked.ca.is_some()),
                word(issued.is_ca()),
            );
        }
        found
    }

    /// Whether the CA issued what it was asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn note(&mut self, field: &str, requested: String, issued: String) {
        self.0.push(Change {
            field: field.to_owned(),
            requested,
            issued,
        });
    }
}

impl std::fmt::Display for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<_> = self
            .0
            .iter()
            .map(|change| {
                format!(
                    "{}: asked for `{}`, issued `{}`",
                    change.field, change.requested, change.issued
                )
            })
            .collect();
        f.write_str(&lines.join("; "))
    }
}

fn list(names: &[pki::GeneralName]) -> String {
    names
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
