//! `cmpServers.json` as a whole.

use std::path::Path;

use jiff::SignedDuration;
use ra::{
    Anchors, AuthorityName, KeyRules, Label, LabelRules, NameKind, NameRules, OnChange, Profile,
    ProfileName, Requesters, UsageRules, ValidityRules,
};
use serde_json::Value;

use super::entry::{ServerEntry, client_pattern};
use super::reader::Reader;
use crate::config::{AuthorityConfig, Config, LabelConfig, Problems};
use crate::files::Files;
use crate::settings::LabelSettings;

/// Why `cmpServers.json` cannot be used, with every reason.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    /// It cannot be read, or is not the JSON it should be.
    #[error("Exception occurred during CMP Servers configuration loading")]
    Loading(Problems),
    /// It can be read and breaks a rule.
    #[error("Validation of CMPv2 servers configuration failed")]
    Validation(Problems),
}

impl ServersError {
    /// The reasons.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        match self {
            Self::Loading(problems) | Self::Validation(problems) => problems,
        }
    }
}

/// Reads the file and checks every entry; all that is wrong is found at once. Order is kept.
///
/// # Errors
/// [`ServersError`]
pub fn load(path: &Path, files: &mut Files) -> Result<Vec<ServerEntry>, ServersError> {
    let mut reader = Reader::new(files);
    let entries = entries(path, &mut reader);
    let Reader {
        problems,
        malformed,
        ..
    } = reader;
    if problems.is_empty() {
        Ok(entries)
    } else if malformed {
        Err(ServersError::Loading(problems))
    } else {
        Err(ServersError::Validation(problems))
    }
}

fn entries(path: &Path, reader: &mut Reader<'_>) -> Vec<ServerEntry> {
    let content = match reader.files.read(path) {
        Ok(content) => content,
        Err(e) => {
            reader.malformed(
                "",
                format!("the file `{}` cannot be read: {e}", path.display()),
                "",
            );
            return Vec::new();
        }
    };
    let root: Value = match serde_json::from_slice(&content) {
        Ok(root) => root,
        // The error's text has position and kind, never content.
        Err(e) => {
            reader.malformed("", format!("not JSON: {e}"), r#"{"cmpv2Servers": [ … ]}"#);
            return Vec::new();
        }
    };
    let list = match root.get("cmpv2Servers") {
        None | Some(Value::Null) => {
            reader.wrong(
                "cmpv2Servers",
                "missing",
                "a list of servers, `[]` for none",
            );
            return Vec::new();
        }
        Some(Value::Array(list)) => list,
        Some(other) => {
            reader.mistyped("cmpv2Servers", other, "a list of servers");
            return Vec::new();
        }
    };
    let mut entries: Vec<ServerEntry> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (i, value) in list.iter().enumerate() {
        let at = format!("cmpv2Servers[{i}]");
        if let Some(name) = value.get("caName").and_then(Value::as_str) {
            if names.iter().any(|known| known == name) {
                reader.wrong(
                    &format!("{at}.caName"),
                    "CA names are not unique within given CMPv2 servers",
                    "",
                );
            }
            names.push(name.to_owned());
        }
        entries.extend(ServerEntry::read(&at, value, reader));
    }
    entries
}

/// Adds the servers to a configuration: each entry an authority, a profile and a label of its name.
pub(crate) fn add(entries: &[ServerEntry], config: &mut Config) {
    for entry in entries {
        let authority = AuthorityName::new(&entry.ca_name);
        let profile = ProfileName::new(&entry.ca_name);
        config.authorities.insert(
            authority.clone(),
            AuthorityConfig::Cmp(Box::new(entry.authority().into())),
        );
        config.profiles.insert(
            profile.clone(),
            self::profile(entry, profile.clone(), authority),
        );
        let requesters = match &entry.allowed_clients {
            None => Requesters::Any,
            Some(names) => {
                Requesters::Only(names.iter().map(|name| client_pattern(name)).collect())
            }
        };
        let rules = LabelRules {
            default_profile: profile.clone(),
            profiles: vec![profile],
            requesters,
        };
        let label = LabelConfig {
            rules,
            settings: LabelSettings::default(),
            clients: Vec::new(),
        };
        config.labels.insert(Label::new(&entry.ca_name), label);
    }
}

/// What CertService let through, and EC and other keys besides: the CA decides.
fn profile(entry: &ServerEntry, name: ProfileName, authority: AuthorityName) -> Profile {
    let mut names = NameRules::default();
    names.kinds.extend([NameKind::X400, NameKind::EdiParty]);
    Profile {
        name,
        authority,
        anchors: match &entry.trusted {
            Some(anchors) => Anchors::Configured(anchors.clone()),
            None => Anchors::IssuerDn(entry.issuer.clone()),
        },
        requesters: Requesters::Any,
        keys: KeyRules::default(),
        names,
        validity: ValidityRules::default(),
        usages: UsageRules::default(),
        ca_certificates: false,
        on_change: OnChange::Accept,
        confirm_within: SignedDuration::from_mins(5),
    }
}
