use clap::CommandFactory;

use super::*;

const BASE: [&str; 5] = [
    "certway",
    "enroll",
    "--url=https://ra:8443",
    "--ca=web",
    "--subject=CN=a",
];

fn enroll(more: &[&str]) -> Result<Enroll, clap::Error> {
    Args::try_parse_from(BASE.iter().chain(more)).map(|args| match args.command {
        Command::Enroll(enroll) => *enroll,
        _ => panic!("not enroll"),
    })
}

#[test]
fn the_definition_is_consistent() {
    Args::command().debug_assert();
}

#[test]
fn every_option_has_an_environment_variable_of_its_name() {
    for command in Args::command().get_subcommands() {
        for option in command
            .get_arguments()
            .filter(|a| a.get_long().is_some_and(|l| l != "help"))
        {
            let expected = format!(
                "CERTWAY_{}",
                option.get_long().unwrap().replace('-', "_").to_uppercase()
            );
            assert_eq!(
                option.get_env().and_then(|e| e.to_str()),
                Some(expected.as_str()),
                "{} {option}",
                command.get_name()
            );
        }
    }
}

#[test]
fn no_option_takes_a_secret_itself() {
    for command in Args::command().get_subcommands() {
        for option in command.get_arguments() {
            let long = option.get_long().unwrap_or_default();
            let secret = ["password", "token", "secret"]
                .iter()
                .any(|word| long.contains(word));
            assert!(
                !secret || long.ends_with("-file"),
                "{} --{long}",
                command.get_name()
            );
        }
    }
}

#[test]
fn the_default_key_is_on_p_256() {
    assert_eq!(enroll(&[]).unwrap().key_type, KeyKind::P256);
    assert_eq!(
        enroll(&["--key-type=rsa:3072"]).unwrap().key_type,
        KeyKind::Rsa { bits: 3072 }
    );
}

#[test]
fn names_may_be_repeated_listed_or_joined() {
    let listed = enroll(&["--san", "dns:a", "ip:10.0.0.1", "--san=dns:b,email:c@d"]).unwrap();
    let texts: Vec<_> = listed
        .wanted
        .san
        .iter()
        .flat_map(|n| n.0.iter().map(ToString::to_string))
        .collect();
    assert_eq!(texts, ["dns:a", "ip:10.0.0.1", "dns:b", "email:c@d"]);
}

#[test]
fn a_csr_has_its_names_already() {
    assert!(enroll(&["--csr=x"]).is_err());
}

#[test]
fn times_are_read_in_both_forms() {
    assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
    assert_eq!(duration("2d"), Ok(Duration::from_secs(2 * 24 * 3600)));
    assert_eq!(duration("PT1H"), Ok(Duration::from_secs(3600)));
    for text in ["", "30", "-5s", "1mo"] {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn a_revocation_needs_a_certificate_or_issuer_and_serial() {
    let revoke = |more: &[&str]| {
        Args::try_parse_from(
            ["certway", "revoke", "--url=https://ra", "--ca=web"]
                .iter()
                .chain(more),
        )
        .is_ok()
    };
    assert!(revoke(&["--cert=x"]));
    assert!(revoke(&["--issuer=CN=a", "--serial=0a"]));
    assert!(!revoke(&["--issuer=CN=a"]));
    assert!(!revoke(&["--cert=x", "--issuer=CN=a", "--serial=0a"]));
    assert!(!revoke(&[]));
}
