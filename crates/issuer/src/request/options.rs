use std::collections::BTreeMap;

use crate::kinds::Options;

/// Which profile to ask for.
pub const PROFILE_ANNOTATION: &str = "certway.dev/profile";
/// Which CA of the RA to ask: a label.
pub const CA_ANNOTATION: &str = "certway.dev/ca";

/// What a Certificate's owner chose by annotations, as far as the issuer lets them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) profile: Option<String>,
    pub(super) ca: Option<String>,
}

/// Reads the annotations of our group. An unknown one is as wrong as one that is not allowed: whoever wrote it wants to hear of it.
///
/// # Errors
/// A sentence that names the annotation.
pub(super) fn chosen(
    annotations: &BTreeMap<String, String>,
    allowed: &Options,
) -> Result<Chosen, String> {
    let mut chosen = Chosen::default();
    for (name, value) in annotations {
        let (slot, list) = match name.as_str() {
            PROFILE_ANNOTATION => (&mut chosen.profile, &allowed.profiles),
            CA_ANNOTATION => (&mut chosen.ca, &allowed.cas),
            other if other.starts_with("certway.dev/") => {
                return Err(format!(
                    "annotation `{other}` is not known; there are `{PROFILE_ANNOTATION}` and `{CA_ANNOTATION}`"
                ));
            }
            _ => continue,
        };
        if !list.iter().any(|one| one == "*" || one == value) {
            let shown: String = value.chars().take(100).collect();
            return Err(match list.as_slice() {
                [] => format!("annotation `{name}` is not allowed by the issuer (spec.options)"),
                list => format!(
                    "annotation `{name}`: `{shown}` is not among what the issuer allows: {}",
                    list.join(", ")
                ),
            });
        }
        *slot = Some(value.clone());
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], profiles: &[&str]) -> Result<Chosen, String> {
        let annotations = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let allowed = Options {
            profiles: profiles.iter().map(|&p| p.to_owned()).collect(),
            cas: Vec::new(),
        };
        chosen(&annotations.collect(), &allowed)
    }

    #[test]
    fn what_is_allowed_is_taken_and_the_annotations_of_others_do_not_count() {
        let pairs = [
            (PROFILE_ANNOTATION, "db"),
            ("cert-manager.io/certificate-name", "x"),
        ];
        for list in [&["web", "db"][..], &["*"]] {
            let found = read(&pairs, list).unwrap();
            assert_eq!((found.profile.as_deref(), found.ca), (Some("db"), None));
        }
    }

    #[test]
    fn what_is_not_allowed_is_refused_by_name_with_what_would_be() {
        let error = read(&[(PROFILE_ANNOTATION, "db")], &["web"]).unwrap_err();
        assert!(error.contains("`db`") && error.ends_with("web"), "{error}");
        let error = read(&[(CA_ANNOTATION, "other")], &["web"]).unwrap_err();
        assert!(error.contains("certway.dev/ca") && error.contains("spec.options"));
    }

    #[test]
    fn a_misspelt_annotation_of_ours_is_refused() {
        let error = read(&[("certway.dev/profil", "web")], &["*"]).unwrap_err();
        assert!(error.contains("certway.dev/profil`"), "{error}");
    }
}
