//! Subject alternative names on a command line.

use std::str::FromStr;

use pki::GeneralName;

/// One or more names. They are separated by commas, but a comma belongs to a name when what follows it is not a kind of name: that lets
/// `dirname:C=DE,O=Example` and addresses with commas through.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Names(pub(crate) Vec<GeneralName>);

impl FromStr for Names {
    type Err = <GeneralName as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts: Vec<String> = Vec::new();
        for part in text.split(',') {
            match parts.last_mut() {
                Some(last) if !begins_a_name(part) => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => parts.push(part.trim_start().to_owned()),
            }
        }
        parts
            .iter()
            .map(|part| part.trim_end().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn begins_a_name(text: &str) -> bool {
    const KINDS: [&str; 9] = [
        "dns", "ip", "email", "uri", "dirname", "rid", "other", "x400", "edi",
    ];
    text.split_once(':')
        .is_some_and(|(kind, _)| KINDS.contains(&kind.trim().to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_names_but_not_what_is_inside_one() {
        let names: Names = "dns:a.example, ip:10.0.0.1,uri:https://x/a,b"
            .parse()
            .unwrap();
        assert_eq!(
            names.0.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["dns:a.example", "ip:10.0.0.1", "uri:https://x/a,b"]
        );
        let one: Names = "dirname:C=DE,O=Example".parse().unwrap();
        assert_eq!(one.0.len(), 1);
    }

    #[test]
    fn a_name_without_its_kind_is_refused() {
        assert!("a.example".parse::<Names>().is_err());
        assert!("dns:a,b c".parse::<Names>().is_err());
    }
}
