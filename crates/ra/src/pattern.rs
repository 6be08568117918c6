//! Patterns of names as configuration gives them, each of one kind and with one meaning.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// Why a pattern cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Not a DNS pattern.
    #[error(
        "`{0}` is not a DNS pattern: write a name (`a.example.com`), `*.example.com` for one label, or `**.example.com` for any depth"
    )]
    Dns(String),
    /// Not an address or network.
    #[error(
        "`{0}` is not an IP pattern: write an address (`10.0.0.1`) or a network (`10.0.0.0/8`)"
    )]
    Ip(String),
}

/// A DNS name, or a family of them: `*.` stands for exactly one label, `**.` for one or more; a pattern never matches
/// across a label boundary, and case does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsPattern {
    depth: Depth,
    /// Lower case, without the stars.
    base: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Exact,
    OneLabel,
    Any,
}

impl DnsPattern {
    /// Whether `name` belongs to the family. A wildcard name (`*.x`) belongs where every name it stands for does.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        if self.depth == Depth::Exact {
            return name == self.base;
        }
        let Some(prefix) = name
            .strip_suffix(&self.base)
            .and_then(|rest| rest.strip_suffix('.'))
        else {
            return false;
        };
        let labels = prefix.split('.');
        match self.depth {
            Depth::Exact => false,
            Depth::OneLabel => !prefix.is_empty() && labels.count() == 1,
            Depth::Any => labels.into_iter().all(|label| !label.is_empty()),
        }
    }
}

impl FromStr for DnsPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (depth, base) = match (text.strip_prefix("**."), text.strip_prefix("*.")) {
            (Some(base), _) => (Depth::Any, base),
            (None, Some(base)) => (Depth::OneLabel, base),
            (None, None) => (Depth::Exact, text),
        };
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && l.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if base.len() > 253 || !base.split('.').all(label) {
            return Err(PatternError::Dns(text.to_owned()));
        }
        Ok(Self {
            depth,
            base: base.to_ascii_lowercase(),
        })
    }
}

impl fmt::Display for DnsPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stars = match self.depth {
            Depth::Exact => "",
            Depth::OneLabel => "*.",
            Depth::Any => "**.",
        };
        write!(f, "{stars}{}", self.base)
    }
}

/// An address or a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpPattern(IpNet);

impl IpPattern {
    /// Whether `address` lies inside.
    pub fn matches(&self, address: &IpAddr) -> bool {
        self.0.contains(address)
    }
}

impl FromStr for IpPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(Self)
            .map_err(|_| PatternError::Ip(text.to_owned()))
    }
}

impl fmt::Display for IpPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Any text: `*` stands for any run of characters, none included; everything else for itself, case included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPattern(String);

impl TextPattern {
    /// A pattern; every text is one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether the whole of `text` fits.
    pub fn matches(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
            return false;
        };
        let Some(last) = parts.next_back() else {
            return rest.is_empty();
        };
        // The leftmost place for each middle part leaves the most room for the ones after it.
        for part in parts {
            let Some(at) = rest.find(part) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last)
    }
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(pattern: &str, name: &str) -> bool {
        pattern.parse::<DnsPattern>().unwrap().matches(name)
    }

    #[test]
    fn one_star_stands_for_exactly_one_label() {
        assert!(dns("*.example.com", "a.example.com"));
        assert!(dns("*.example.com", "A.Example.COM"));
        assert!(!dns("*.example.com", "example.com"));
        assert!(!dns("*.example.com", "a.b.example.com"));
        assert!(!dns("*.example.com", ".example.com"));
    }

    #[test]
    fn two_stars_stand_for_one_label_or_more() {
        assert!(dns("**.example.com", "a.b.example.com"));
        assert!(!dns("**.example.com", "example.com"));
        assert!(!dns("**.example.com", "a..example.com"));
    }

    #[test]
    fn a_pattern_never_matches_across_a_label_boundary() {
        assert!(!dns("**.example.com", "evil-example.com"));
        assert!(!dns("example.com", "example.com.evil.net"));
        assert!(!dns("example.com", "fooexample.com"));
    }

    #[test]
    fn what_is_no_dns_pattern_is_refused_with_the_forms_that_are() {
        for text in [
            "",
            "*",
            "a.*.b",
            "f*o.example",
            "*.*.example",
            "a..b",
            "münchen.example",
        ] {
            assert!(text.parse::<DnsPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_is_a_network_of_one() {
        let one: IpPattern = "10.0.0.1".parse().unwrap();
        assert!(one.matches(&"10.0.0.1".parse().unwrap()));
        assert!(!one.matches(&"10.0.0.2".parse().unwrap()));
        let net: IpPattern = "fd00::/8".parse().unwrap();
        assert!(net.matches(&"fd12::1".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<IpPattern>().is_err());
    }

    #[test]
    fn a_star_in_text_stands_for_any_run_and_the_ends_are_anchored() {
        let fits = |pattern: &str, text: &str| TextPattern::new(pattern).matches(text);
        assert!(fits("spiffe://corp/ns/*/sa/*", "spiffe://corp/ns/a/sa/b"));
        assert!(fits("*", ""));
        assert!(fits("a*a", "aa"));
        assert!(!fits("a*a", "a"));
        assert!(!fits("a*b*c", "acb"));
        assert!(fits("exact", "exact"));
        assert!(!fits("exact", "exactly"));
    }
}
