use jiff::{SignedDuration, Timestamp};
use pki::usage::{self, Usage};
use pki::{Certificate, GeneralName, KeyUsages, RequestedValidity, Template};

use crate::{AuthorityName, Facts, NameKind, NameRules, Profile, Refusal, RefusalKind, Requester};

/// What policy allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Approved {
    /// What the CA is to be asked for.
    pub template: Template,
    /// Whether that differs from what was wanted, so that a signed request cannot be passed on as it is.
    pub changed: bool,
    /// Which CA.
    pub authority: AuthorityName,
}

/// Everything a decision depends on.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The limits.
    pub profile: &'a Profile,
    /// Who asks.
    pub who: &'a Requester,
    /// What is wanted.
    pub wanted: &'a Template,
    /// The certificate to be replaced, its proof verified.
    pub replaces: Option<&'a Certificate>,
    /// Who owns the names in it.
    pub facts: &'a Facts,
    /// For how long, where that was said.
    pub lifetime: Option<SignedDuration>,
    /// When the certificate begins, see [`crate::Authority::begins`].
    pub begins: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// Decides. A pure function: the same question always gets the same answer.
///
/// # Errors
/// The first rule broken, as a [`Refusal`] that names the value and what the profile allows.
pub fn decide(question: &Question<'_>) -> Result<Approved, Refusal> {
    requester(question)?;
    key(question)?;
    names(question)?;
    ownership(question)?;
    renewal(question)?;
    ca(question)?;
    usages(question)?;
    let mut template = question.wanted.clone();
    validity(question, &mut template)?;
    let defaults = &question.profile.usages;
    if template.key_usage.is_none() {
        template.key_usage = defaults.default_key_usage;
    }
    if template.ext_key_usage.is_empty() {
        template
            .ext_key_usage
            .clone_from(&defaults.default_ext_key_usage);
    }
    let changed = template != *question.wanted;
    Ok(Approved {
        template,
        changed,
        authority: question.profile.authority.clone(),
    })
}

fn refuse<T>(kind: RefusalKind, detail: String) -> Result<T, Refusal> {
    Err(Refusal::new(kind, detail))
}

fn requester(q: &Question<'_>) -> Result<(), Refusal> {
    if q.profile.requesters.include(q.who) {
        return Ok(());
    }
    refuse(
        RefusalKind::NotAuthorized,
        format!(
            "{} may not use profile `{}`",
            q.who.credential, q.profile.name
        ),
    )
}

fn key(q: &Question<'_>) -> Result<(), Refusal> {
    let kind = q.wanted.public_key.kind();
    if q.profile.keys.allow(kind) {
        return Ok(());
    }
    refuse(
        RefusalKind::KeyNotAllowed,
        format!(
            "profile `{}` does not allow keys of kind {kind}",
            q.profile.name
        ),
    )
}

fn names(q: &Question<'_>) -> Result<(), Refusal> {
    let (wanted, rules) = (q.wanted, &q.profile.names);
    if wanted.subject.is_empty() && wanted.sans.is_empty() {
        return refuse(
            RefusalKind::NameNotAllowed,
            "neither a subject nor a subjectAltName is given".to_owned(),
        );
    }
    if wanted.sans.len() > rules.most {
        let (count, most) = (wanted.sans.len(), rules.most);
        return refuse(
            RefusalKind::NameNotAllowed,
            format!("{count} subjectAltNames, at most {most} are allowed"),
        );
    }
    if let Some(patterns) = &rules.subject {
        let text = pki::name::onap::display(&wanted.subject);
        if !patterns.iter().any(|pattern| pattern.matches(&text)) {
            return refuse(
                RefusalKind::NameNotAllowed,
                format!(
                    "profile `{}` does not allow the subject `{text}`",
                    q.profile.name
                ),
            );
        }
    }
    match wanted.sans.iter().find(|name| !allows(rules, name)) {
        None => Ok(()),
        Some(name) => refuse(
            RefusalKind::NameNotAllowed,
            format!(
                "profile `{}` does not allow the subjectAltName `{name}`",
                q.profile.name
            ),
        ),
    }
}

fn allows(rules: &NameRules, name: &GeneralName) -> bool {
    fn any<P>(patterns: Option<&Vec<P>>, fits: impl Fn(&P) -> bool) -> bool {
        patterns.is_none_or(|all| all.iter().any(fits))
    }
    rules.kinds.contains(&NameKind::of(name))
        && match name {
            GeneralName::Dns(text) => any(rules.dns.as_ref(), |pattern| pattern.matches(text)),
            GeneralName::Ip(address) => any(rules.ip.as_ref(), |pattern| pattern.matches(address)),
            GeneralName::Email(text) => any(rules.email.as_ref(), |pattern| pattern.matches(text)),
            GeneralName::Uri(text) => any(rules.uri.as_ref(), |pattern| pattern.matches(text)),
            GeneralName::Directory(_)
            | GeneralName::RegisteredId(_)
            | GeneralName::Other { .. }
            | GeneralName::X400(_)
            | GeneralName::EdiParty(_) => true,
        }
}

fn ownership(q: &Question<'_>) -> Result<(), Refusal> {
    let foreign = q.facts.owned.iter().find(|(_, owners)| {
        !q.who
            .principals
            .iter()
            .any(|principal| owners.contains(principal))
    });
    match foreign {
        None => Ok(()),
        Some((name, _)) => refuse(
            RefusalKind::NameNotAllowed,
            format!("`{name}` belongs to someone else"),
        ),
    }
}

/// Whoever authenticates with nothing but the certificate being renewed may not gain names by it
/// (RFC 9483 4.1.3; an RA vouches for its own clients).
fn renewal(q: &Question<'_>) -> Result<(), Refusal> {
    let Some(old) = q
        .replaces
        .filter(|old| !q.who.acts_as_ra && q.who.holds(&old.id()))
    else {
        return Ok(());
    };
    if !pki::name::same_name_unordered(&q.wanted.subject, old.subject()) {
        return refuse(
            RefusalKind::NameNotAllowed,
            format!(
                "a renewal keeps its subject, which was `{}`",
                pki::name::onap::display(old.subject())
            ),
        );
    }
    match q.wanted.sans.iter().find(|name| !old.sans().contains(name)) {
        None => Ok(()),
        Some(name) => refuse(
            RefusalKind::NameNotAllowed,
            format!("`{name}` is not in the certificate that is to be renewed"),
        ),
    }
}

fn ca(q: &Question<'_>) -> Result<(), Refusal> {
    if q.wanted.ca.is_some() && !q.profile.ca_certificates {
        return refuse(
            RefusalKind::CaNotAllowed,
            format!(
                "profile `{}` does not issue CA certificates",
                q.profile.name
            ),
        );
    }
    Ok(())
}

fn usages(q: &Question<'_>) -> Result<(), Refusal> {
    let rules = &q.profile.usages;
    if let Some(asked) = q.wanted.key_usage {
        let signs = KeyUsages::KEY_CERT_SIGN | KeyUsages::CRL_SIGN;
        let beyond = match rules.key_usage {
            Some(allowed) => asked.without(allowed),
            None if q.wanted.ca.is_some() => KeyUsages::NONE,
            None => asked.without(asked.without(signs)),
        };
        if !beyond.is_empty() {
            return refuse(
                RefusalKind::UsageNotAllowed,
                format!(
                    "profile `{}` does not allow the keyUsage {beyond}",
                    q.profile.name
                ),
            );
        }
    }
    for oid in &q.wanted.ext_key_usage {
        let component = usage::CMP_AUTHORITY.contains(oid);
        let listed = rules
            .ext_key_usage
            .as_ref()
            .is_none_or(|list| list.contains(oid));
        if (component && !rules.cmp_components) || (!component && !listed) {
            return refuse(
                RefusalKind::UsageNotAllowed,
                format!(
                    "profile `{}` does not allow the extendedKeyUsage {}",
                    q.profile.name,
                    Usage::Extended(*oid)
                ),
            );
        }
    }
    Ok(())
}

fn validity(q: &Question<'_>, template: &mut Template) -> Result<(), Refusal> {
    let rules = &q.profile.validity;
    let asked = &mut template.validity;
    let nothing = *asked == RequestedValidity::default();
    let by_default = rules.default.filter(|_| nothing);
    let (from, until) = match (q.lifetime, by_default, asked.not_after) {
        (Some(lifetime), _, _) => {
            let until = q.begins.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
            *asked = RequestedValidity {
                not_before: None,
                not_after: Some(until),
            };
            (q.begins, until)
        }
        (None, Some(lifetime), _) => {
            asked.not_after = q.begins.checked_add(lifetime).ok();
            return Ok(());
        }
        (None, None, Some(until)) => (asked.not_before.unwrap_or(q.now), until),
        (None, None, None) => return Ok(()),
    };
    if until <= from || until <= q.now {
        return refuse(
            RefusalKind::ValidityNotAllowed,
            format!("the validity asked for ends at {until}, before it begins"),
        );
    }
    match rules.most {
        Some(most) if until.duration_since(from) > most => refuse(
            RefusalKind::ValidityNotAllowed,
            format!(
                "a validity of {:#} is asked for, at most {most:#} is allowed",
                until.duration_since(from)
            ),
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
