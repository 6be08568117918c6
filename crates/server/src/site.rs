//! [`Site`]: everything a configuration says, wired and ready to serve. Immutable: a reload makes a new one.

use std::collections::HashMap;
use std::sync::Arc;

use authority::guard::Guard;
use authority::local::LocalAuthority;
use jiff::Timestamp;
use ra::memory::{MemoryCredentials, MemoryDomains};
use ra::{
    Anchors, Authority, AuthorityName, Credentials, Journal, Label, Profile, ProfileName, Ra,
    Witness,
};

use crate::Callers;
use crate::config::{self, AuthorityConfig, Config, Problems, TokenIssuerConfig, TokenKeys};
use crate::expiry::{self, KnownCertificate};
use crate::jwt::{Keys, RemoteKeys, TokenIssuer, TokenIssuers};
use crate::settings::{CmpListener, LabelSettings, V1Settings};

/// What one configuration serves.
pub struct Site {
    /// The line: CAs, profiles and labels are in it.
    pub ra: Arc<Ra>,
    /// The CAs of `ra` that are reached over a network, once more: what looks after their endpoints needs to know them as what they are.
    pub guards: HashMap<AuthorityName, Arc<Guard>>,
    /// Shared secrets of CMP clients, by label and reference.
    pub credentials: Arc<dyn Credentials>,
    /// REST callers.
    pub callers: Callers,
    /// What the fronts know of each label beyond the line's own rules. Every label of `ra` is here too.
    pub labels: HashMap<Label, LabelSettings>,
    /// How REST v1 behaves.
    pub v1: V1Settings,
    /// How CMP behaves, whatever the label.
    pub cmp: CmpListener,
    /// Every certificate it rests on.
    pub certificates: Vec<KnownCertificate>,
    /// What of its configuration may be shown.
    pub shown: serde_json::Value,
    /// When it was made.
    pub loaded_at: Timestamp,
    /// False for the site that stands in until a first configuration could be loaded.
    pub configured: bool,
}

impl Site {
    /// The label of CMP messages sent to a path that names none.
    #[must_use]
    pub fn default_cmp_label(&self) -> Option<&Label> {
        if let Some(label) = &self.cmp.default_label {
            return Some(label);
        }
        let mut offered = self
            .labels
            .iter()
            .filter(|(_, settings)| settings.cmp.is_some());
        match (offered.next(), offered.next()) {
            (Some((only, _)), None) => Some(only),
            _ => None,
        }
    }

    /// What stands in until a first configuration could be loaded: it knows no CA.
    #[must_use]
    pub fn unconfigured(
        journal: Arc<dyn Journal>,
        witness: Arc<dyn Witness>,
        config: &Config,
    ) -> Self {
        Self {
            ra: Arc::new(Ra {
                journal,
                domains: Arc::new(MemoryDomains::default()),
                authorities: HashMap::new(),
                profiles: HashMap::new(),
                labels: HashMap::new(),
                lease: config.journal.lease,
                clock: Arc::new(Timestamp::now),
                witness,
            }),
            guards: HashMap::new(),
            credentials: Arc::new(MemoryCredentials::default()),
            callers: Callers::default(),
            labels: HashMap::new(),
            v1: config.v1,
            cmp: CmpListener::default(),
            certificates: expiry::of(config),
            shown: config::shown(config),
            loaded_at: Timestamp::now(),
            configured: false,
        }
    }
}

/// Builds a site out of a configuration. CAs and profiles that `serving` had and that are gone are kept for the rows they began: no label
/// leads to them any more.
///
/// # Errors
/// What only shows when the parts are put together: an embedded CA's folder, a client's TLS material.
pub async fn wire(
    config: Config,
    journal: Arc<dyn Journal>,
    witness: Arc<dyn Witness>,
    serving: Option<&Site>,
) -> Result<Site, Problems> {
    let shown = config::shown(&config);
    let mut certificates = expiry::of(&config);
    let mut problems = Problems::default();
    let mut authorities: HashMap<AuthorityName, Arc<dyn Authority>> = HashMap::new();
    let mut guards = HashMap::new();
    let mut roots = HashMap::new();
    for (name, authority) in config.authorities {
        let earlier = serving.and_then(|serving| serving.guards.get(&name));
        match build(name.clone(), authority, &journal, earlier).await {
            Ok(Built::Cmp(guard)) => {
                guards.insert(name.clone(), Arc::clone(&guard));
                authorities.insert(name, guard);
            }
            Ok(Built::Local(local)) => {
                let own = std::iter::once(local.certificate()).chain(local.roots());
                certificates
                    .extend(own.map(|c| KnownCertificate::new("local-ca", name.as_str(), c)));
                roots.insert(name.clone(), local.roots().to_vec());
                authorities.insert(name, local);
            }
            Err(why) => problems.add(format!("authorities.{name}"), why, ""),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let own_roots = |profile: Profile| match (&profile.anchors, roots.get(&profile.authority)) {
        (Anchors::Configured(anchors), Some(roots)) if anchors.is_empty() => Profile {
            anchors: Anchors::Configured(roots.clone()),
            ..profile
        },
        _ => profile,
    };
    let mut profiles: HashMap<ProfileName, Profile> = config
        .profiles
        .into_iter()
        .map(|(name, profile)| (name, own_roots(profile)))
        .collect();
    if let Some(serving) = serving {
        let moved = moved(&serving.ra.profiles, &profiles);
        if !moved.is_empty() {
            return Err(moved);
        }
        for (name, authority) in &serving.ra.authorities {
            authorities
                .entry(name.clone())
                .or_insert_with(|| Arc::clone(authority));
        }
        for (name, guard) in &serving.guards {
            if !roots.contains_key(name) {
                guards
                    .entry(name.clone())
                    .or_insert_with(|| Arc::clone(guard));
            }
        }
        for (name, profile) in &serving.ra.profiles {
            profiles
                .entry(name.clone())
                .or_insert_with(|| profile.clone());
        }
    }
    let mut credentials = MemoryCredentials::default();
    let mut rules = HashMap::new();
    let mut labels = HashMap::new();
    for (label, settings) in config.labels {
        for client in settings.clients {
            credentials.insert(
                label.clone(),
                client.reference.into_bytes(),
                client.requester,
                client.secret,
            );
        }
        rules.insert(label.clone(), settings.rules);
        labels.insert(label, settings.settings);
    }
    let before = serving.map(|serving| serving.callers.issuers());
    let issuers = token_issuers(config.token_issuers, before)?;
    let ra = Ra {
        journal,
        domains: Arc::new(MemoryDomains::default()),
        authorities,
        profiles,
        labels: rules,
        lease: config.journal.lease,
        clock: Arc::new(Timestamp::now),
        witness,
    };
    Ok(Site {
        ra: Arc::new(ra),
        guards,
        credentials: Arc::new(credentials),
        callers: Callers::new(config.callers, TokenIssuers::new(issuers)),
        labels,
        v1: config.v1,
        cmp: config.cmp,
        certificates,
        shown,
        loaded_at: Timestamp::now(),
        configured: true,
    })
}

/// Profiles that name another CA than before. What was begun under them is judged by them to its end, and would be held against the roots of
/// a CA that never saw it.
fn moved(
    before: &HashMap<ProfileName, Profile>,
    after: &HashMap<ProfileName, Profile>,
) -> Problems {
    let mut problems = Problems::default();
    for (name, profile) in after {
        if let Some(was) = before.get(name)
            && was.authority != profile.authority
        {
            problems.add(
                format!("profiles.{name}.authority"),
                format!(
                    "`{}`, and requests under this profile may be open at `{}`",
                    profile.authority, was.authority
                ),
                "a profile of another name for the new CA, to which labels then lead; or a restart once nothing is open",
            );
        }
    }
    problems
}

/// Whose tokens are taken. Keys that are at hand stay so where nothing about them changed.
fn token_issuers(
    configured: Vec<TokenIssuerConfig>,
    before: Option<&TokenIssuers>,
) -> Result<Vec<TokenIssuer>, Problems> {
    let mut problems = Problems::default();
    let mut issuers = Vec::new();
    for config in configured {
        let keys = match config.keys {
            TokenKeys::File(keys) => Keys::Fixed(keys),
            TokenKeys::Server(settings) => {
                let kept = before.and_then(|before| before.remote(&config.name));
                match kept.filter(|kept| *kept.settings() == *settings) {
                    Some(kept) => Keys::Remote(Arc::clone(kept)),
                    None => match RemoteKeys::begin(*settings) {
                        Ok(keys) => Keys::Remote(Arc::new(keys)),
                        Err(why) => {
                            let key = format!("token_issuers.{}.keys", config.name);
                            problems.add(key, why.to_string(), "");
                            continue;
                        }
                    },
                }
            }
        };
        issuers.push(TokenIssuer {
            name: config.name,
            issuer: config.issuer,
            audience: config.audience,
            keys,
        });
    }
    if problems.is_empty() {
        Ok(issuers)
    } else {
        Err(problems)
    }
}

enum Built {
    Cmp(Arc<Guard>),
    /// A CA of our own: its roots need not be configured.
    Local(Arc<LocalAuthority>),
}

async fn build(
    name: AuthorityName,
    config: AuthorityConfig,
    journal: &Arc<dyn Journal>,
    earlier: Option<&Arc<Guard>>,
) -> Result<Built, String> {
    match config {
        AuthorityConfig::Cmp(cmp) => {
            let guard = cmp.build(earlier.map(Arc::as_ref));
            guard
                .map(|guard| Built::Cmp(Arc::new(guard)))
                .map_err(|e| e.to_string())
        }
        AuthorityConfig::Local(local) => {
            let (settings, now) = (local.settings, Timestamp::now());
            let opened = LocalAuthority::open_or_create(
                name,
                &local.folder,
                &local.hierarchy,
                settings,
                Arc::clone(journal),
                now,
            );
            let local = opened.await.map_err(|e| e.to_string())?;
            Ok(Built::Local(Arc::new(local)))
        }
    }
}
