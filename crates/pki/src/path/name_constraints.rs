//! Name constraints (RFC 5280 sections 4.2.1.10 and 6.1.4 (b), (c)): DNS names, mail addresses, URIs, IP addresses and directory
//! names. A constraint of another kind refuses every name of that kind.

use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName as Base;
use x509_cert::name::RdnSequence;

use super::PathError;
use super::extensions::refused;
use crate::Name;
use crate::certificate::Certificate;
use crate::general_name::GeneralName;
use crate::name::same_name;

/// The most comparisons for one CA and the certificates below it; both lists come from peers.
const MAX_COMPARISONS: usize = 250_000;

const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");

/// Checks the names of all that stands below `issuer` against its constraints; `path` has the end first.
pub(super) fn check(path: &[&Certificate], issuer: &Certificate) -> Result<(), PathError> {
    let found = issuer
        .x509()
        .tbs_certificate()
        .get_extension::<NameConstraints>();
    let (_, constraints) = match found {
        Ok(Some(constraints)) => constraints,
        Ok(None) => return Ok(()),
        Err(_) => return Err(refused(issuer, NAME_CONSTRAINTS)),
    };
    let permitted = constraints.permitted_subtrees.unwrap_or_default();
    let excluded = constraints.excluded_subtrees.unwrap_or_default();
    // RFC 5280 leaves no use for distances.
    if permitted
        .iter()
        .chain(&excluded)
        .any(|tree| tree.minimum != 0 || tree.maximum.is_some())
    {
        return Err(refused(issuer, NAME_CONSTRAINTS));
    }

    let mut comparisons_left = MAX_COMPARISONS;
    for (place, certificate) in path.iter().enumerate() {
        // A CA's certificates for itself are exempt, unless they are what is asked about.
        if place > 0 && certificate.is_self_issued() {
            continue;
        }
        let breaks = |name: String| PathError::NameConstraints {
            subject: certificate.subject().to_string(),
            issuer: issuer.subject().to_string(),
            name,
        };
        for name in names(certificate) {
            comparisons_left = comparisons_left
                .checked_sub(permitted.len() + excluded.len())
                .ok_or_else(|| breaks("too many names to compare".into()))?;
            if !is_allowed(&name, &permitted, &excluded) {
                return Err(breaks(name.to_string()));
            }
        }
    }
    Ok(())
}

/// Every name that constraints apply to: subject, subjectAltName, and the subject's mail address where subjectAltName has none.
fn names(certificate: &Certificate) -> Vec<GeneralName> {
    let mut names = certificate.sans().to_vec();
    let subject = certificate.subject();
    if !names
        .iter()
        .any(|name| matches!(name, GeneralName::Email(_)))
    {
        let addresses = subject
            .iter()
            .filter(|attribute| attribute.oid == EMAIL_ADDRESS);
        names.extend(addresses.map(|attribute| {
            GeneralName::Email(String::from_utf8_lossy(attribute.value.value()).into_owned())
        }));
    }
    if !subject.is_empty() {
        names.push(GeneralName::Directory(subject.clone()));
    }
    names
}

fn is_allowed(
    name: &GeneralName,
    permitted: &[GeneralSubtree],
    excluded: &[GeneralSubtree],
) -> bool {
    let mut of_its_kind = permitted
        .iter()
        .filter_map(|tree| within(name, &tree.base))
        .peekable();
    let is_permitted = of_its_kind.peek().is_none() || of_its_kind.any(|fit| fit == Fit::Inside);
    let is_excluded = excluded.iter().any(|tree| {
        matches!(
            within(name, &tree.base),
            Some(Fit::Inside | Fit::Around | Fit::Unknown)
        )
    });
    is_permitted && !is_excluded
}

/// How a name lies to a subtree of its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Inside,
    Outside,
    /// A wildcard that also stands for names inside.
    Around,
    /// Cannot be told: neither permitted nor harmless.
    Unknown,
}

/// `None` when the kinds differ.
fn within(name: &GeneralName, base: &Base) -> Option<Fit> {
    let fit = match (name, base) {
        (GeneralName::Dns(name), Base::DnsName(base)) => dns(name, base.as_str()),
        (GeneralName::Email(name), Base::Rfc822Name(base)) => email(name, base.as_str()),
        (GeneralName::Uri(name), Base::UniformResourceIdentifier(base)) => uri(name, base.as_str()),
        (GeneralName::Ip(address), Base::IpAddress(base)) => ip(*address, base.as_bytes()),
        (GeneralName::Directory(name), Base::DirectoryName(base)) => directory(name, base),
        (GeneralName::Other { type_id, .. }, Base::OtherName(base)) if *type_id == base.type_id => {
            Fit::Unknown
        }
        (GeneralName::EdiParty(_), Base::EdiPartyName(_))
        | (GeneralName::RegisteredId(_), Base::RegisteredId(_)) => Fit::Unknown,
        _ => return None,
    };
    Some(fit)
}

impl From<bool> for Fit {
    fn from(inside: bool) -> Self {
        if inside { Self::Inside } else { Self::Outside }
    }
}

/// The base itself and whatever has more labels on the left. A base with a leading dot means the latter only.
fn dns(name: &str, base: &str) -> Fit {
    let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
    let wildcard_covers = |rest: &str| {
        base.strip_suffix(rest)
            .is_some_and(|left| left.ends_with('.'))
    };
    if base.is_empty() || name == base || is_subdomain(&name, &base) {
        Fit::Inside
    } else if name.strip_prefix("*.").is_some_and(wildcard_covers) {
        Fit::Around
    } else {
        Fit::Outside
    }
}

/// A mailbox, all mailboxes of a host, or with a leading dot of all hosts in a domain.
fn email(name: &str, base: &str) -> Fit {
    let Some((local, host)) = name.rsplit_once('@') else {
        return Fit::Unknown;
    };
    match base.rsplit_once('@') {
        Some((base_local, base_host)) => {
            (local == base_local && host.eq_ignore_ascii_case(base_host)).into()
        }
        None => is_host_within(host, base).into(),
    }
}

/// A host, or with a leading dot all hosts in a domain. Constraints on URIs speak of hosts with a name only.
fn uri(name: &str, base: &str) -> Fit {
    let authority = name
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    let Some(authority) = authority else {
        return Fit::Unknown;
    };
    let host_and_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host_and_port.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host_and_port,
    };
    if host.is_empty() || host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
        return Fit::Unknown;
    }
    is_host_within(host, base).into()
}

fn is_host_within(host: &str, base: &str) -> bool {
    let (host, base) = (host.to_ascii_lowercase(), base.to_ascii_lowercase());
    base.is_empty()
        || if base.starts_with('.') {
            is_subdomain(&host, &base)
        } else {
            host == base
        }
}

/// Whether `name` has labels on the left of `base`.
fn is_subdomain(name: &str, base: &str) -> bool {
    let base = base.strip_prefix('.').unwrap_or(base);
    name.strip_suffix(base)
        .is_some_and(|left| left.len() > 1 && left.ends_with('.'))
}

/// An address and a mask of the same length.
fn ip(address: IpAddr, base: &[u8]) -> Fit {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    match base.len() {
        8 | 32 if base.len() != 2 * octets.len() => Fit::Outside,
        8 | 32 => {
            let (network, mask) = base.split_at(octets.len());
            let masked = octets.iter().zip(network).zip(mask);
            masked
                .into_iter()
                .all(|((octet, network), mask)| octet & mask == network & mask)
                .into()
        }
        _ => Fit::Unknown,
    }
}

/// The base's RDNs, and any number of further ones.
fn directory(name: &Name, base: &Name) -> Fit {
    let mut start = RdnSequence::default();
    for rdn in name.iter_rdn().take(base.len()) {
        start.push(rdn.clone());
    }
    let start = start.to_der().and_then(|der| Name::from_der(&der));
    start.map_or(Fit::Unknown, |start| same_name(&start, base).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(fit: Fit) -> &'static str {
        match fit {
            Fit::Inside => "inside",
            Fit::Outside => "outside",
            Fit::Around => "around",
            Fit::Unknown => "unknown",
        }
    }

    #[test]
    fn dns_names_fit_by_whole_labels() {
        assert_eq!(is(dns("a.example.com", "Example.com")), "inside");
        assert_eq!(is(dns("example.com", "example.com")), "inside");
        assert_eq!(is(dns("badexample.com", "example.com")), "outside");
        assert_eq!(is(dns("example.com", ".example.com")), "outside");
        assert_eq!(is(dns("a.example.com", ".example.com")), "inside");
        assert_eq!(is(dns("anything", "")), "inside");
    }

    #[test]
    fn a_wildcard_that_stands_for_a_name_inside_is_around() {
        assert_eq!(is(dns("*.example.com", "secret.example.com")), "around");
        assert_eq!(is(dns("*.example.com", "example.com")), "inside");
        assert_eq!(is(dns("*.example.com", "other.com")), "outside");
    }

    #[test]
    fn mail_addresses_fit_by_mailbox_host_or_domain() {
        assert_eq!(is(email("me@a.org", "me@A.org")), "inside");
        assert_eq!(is(email("you@a.org", "me@a.org")), "outside");
        assert_eq!(is(email("me@a.org", "a.org")), "inside");
        assert_eq!(is(email("me@b.a.org", "a.org")), "outside");
        assert_eq!(is(email("me@b.a.org", ".a.org")), "inside");
        assert_eq!(is(email("nobody", "a.org")), "unknown");
    }

    #[test]
    fn uris_fit_by_their_host_and_not_by_what_looks_like_one() {
        assert_eq!(is(uri("https://me@a.org:8443/x", "a.org")), "inside");
        assert_eq!(is(uri("https://b.a.org/x", ".a.org")), "inside");
        assert_eq!(is(uri("https://b.org/a.org", "a.org")), "outside");
        assert_eq!(is(uri("https://a.org@b.org", "a.org")), "outside");
        assert_eq!(is(uri("spiffe://domain/path", "domain")), "inside");
        assert_eq!(is(uri("https://10.0.0.1/", "a.org")), "unknown");
        assert_eq!(is(uri("urn:x:y", "a.org")), "unknown");
    }

    #[test]
    fn addresses_fit_under_the_mask_of_their_family() {
        let ten = [10, 0, 0, 0, 255, 0, 0, 0];
        assert_eq!(is(ip("10.1.2.3".parse().unwrap(), &ten)), "inside");
        assert_eq!(is(ip("11.1.2.3".parse().unwrap(), &ten)), "outside");
        assert_eq!(is(ip("::1".parse().unwrap(), &ten)), "outside");
        assert_eq!(is(ip("10.1.2.3".parse().unwrap(), &ten[..4])), "unknown");
    }
}
