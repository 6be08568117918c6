//! [`KeyUri`]: the name of a key in a token (RFC 7512).

use std::fmt;
use std::str::FromStr;

/// A `pkcs11:` URI that names one private key: `pkcs11:token=ra;object=signer`, `pkcs11:serial=1a2b;id=%01`.
///
/// Of the path, `token`, `serial`, `manufacturer`, `model` and `slot-id` choose the token, `object` (CKA_LABEL) and `id` (CKA_ID) the key.
/// Of the query, `module-name` says under which name the library is configured and `x-sign` with which algorithm the key signs. Where a
/// library is and what the PIN is does not stand here: `module-path`, `pin-source` and `pin-value` are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUri {
    pub(super) token: TokenName,
    pub(super) key: KeyName,
    /// `module-name`.
    pub module: Option<String>,
    /// `x-sign`, as [`TokenKey`](super::TokenKey) takes it.
    pub(super) scheme: Option<&'static str>,
}

/// What is asked of a token; all that is given has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct TokenName {
    pub(super) label: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) slot: Option<u64>,
}

/// What is asked of a key; all that is given has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct KeyName {
    pub(super) label: Option<String>,
    pub(super) id: Option<Vec<u8>>,
}

/// Why a text names no key in a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// It is another URI, or none.
    #[error("it does not begin with `pkcs11:`")]
    Scheme,
    /// An attribute is not `name=value` with percent-encoded octets, or not text where it has to be.
    #[error("`{0}` is not well-formed")]
    Malformed(String),
    /// An attribute that RFC 7512 does not have, or that does not choose a key here.
    #[error("`{0}` is not known here")]
    Unknown(String),
    /// An attribute comes twice.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// A place or a secret that only the configuration of the module may say.
    #[error("`{0}` does not belong into the name of a key: the module's own settings say it")]
    NotHere(&'static str),
    /// `type` is given and not `private`.
    #[error("`type={0}` is not a private key")]
    Type(String),
    /// Nothing in it chooses a key.
    #[error("it has neither `object` nor `id`, so it names no key")]
    NoKey,
    /// Not an algorithm for `x-sign`.
    #[error("`x-sign={0}` is none of {list}", list = super::scheme::names())]
    Sign(String),
}

impl KeyUri {
    /// Whether the text claims to be such a URI, well-formed or not.
    pub fn claims(text: &str) -> bool {
        text.get(..7)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkcs11:"))
    }
}

impl FromStr for KeyUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if !Self::claims(text) {
            return Err(UriError::Scheme);
        }
        let (path, query) = text[7..].split_once('?').unwrap_or((&text[7..], ""));
        let attributes = path
            .split(';')
            .map(|attribute| (true, attribute))
            .chain(query.split('&').map(|attribute| (false, attribute)));
        let mut uri = Self {
            token: TokenName::default(),
            key: KeyName::default(),
            module: None,
            scheme: None,
        };
        let mut seen = Vec::new();
        for (in_path, attribute) in attributes.filter(|(_, attribute)| !attribute.is_empty()) {
            let (name, value) = attribute
                .split_once('=')
                .ok_or_else(|| UriError::Malformed(attribute.to_owned()))?;
            if seen.contains(&name) {
                return Err(UriError::Twice(name.to_owned()));
            }
            seen.push(name);
            uri.take(in_path, name, value)?;
        }
        if uri.key == KeyName::default() {
            return Err(UriError::NoKey);
        }
        Ok(uri)
    }
}

impl KeyUri {
    fn take(&mut self, in_path: bool, name: &str, value: &str) -> Result<(), UriError> {
        let octets =
            || decoded(value).ok_or_else(|| UriError::Malformed(format!("{name}={value}")));
        let text = || {
            let text = String::from_utf8(octets()?);
            text.map_err(|_| UriError::Malformed(format!("{name}={value}")))
        };
        match (in_path, name) {
            (true, "token") => self.token.label = Some(text()?),
            (true, "serial") => self.token.serial = Some(text()?),
            (true, "manufacturer") => self.token.manufacturer = Some(text()?),
            (true, "model") => self.token.model = Some(text()?),
            (true, "slot-id") => {
                let slot = value.parse();
                let malformed = |_| UriError::Malformed(format!("{name}={value}"));
                self.token.slot = Some(slot.map_err(malformed)?);
            }
            (true, "object") => self.key.label = Some(text()?),
            (true, "id") => self.key.id = Some(octets()?),
            (true, "type") if value == "private" => {}
            (true, "type") => return Err(UriError::Type(value.to_owned())),
            (false, "module-name") => self.module = Some(text()?),
            (false, "x-sign") => {
                let found = super::scheme::named(value);
                self.scheme = Some(found.ok_or_else(|| UriError::Sign(value.to_owned()))?);
            }
            (false, "module-path") => return Err(UriError::NotHere("module-path")),
            (false, "pin-source") => return Err(UriError::NotHere("pin-source")),
            (false, "pin-value") => return Err(UriError::NotHere("pin-value")),
            _ => return Err(UriError::Unknown(name.to_owned())),
        }
        Ok(())
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                hex::decode(digits).ok()?.first().copied()?
            }
            other => other,
        });
    }
    Some(octets)
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot.map(|slot| slot.to_string());
        let attributes = [
            ("token", &self.label),
            ("serial", &self.serial),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("slot-id", &slot),
        ];
        let given = attributes
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={:?}", value.as_ref()?)));
        let given: Vec<String> = given.collect();
        match given.is_empty() {
            true => f.write_str("at all"),
            false => f.write_str(&given.join(" ")),
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label.as_ref().map(|label| format!("object={label:?}"));
        let id = self.id.as_ref().map(|id| format!("id={}", hex::encode(id)));
        let given: Vec<String> = label.into_iter().chain(id).collect();
        f.write_str(&given.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<KeyUri, UriError> {
        text.parse()
    }

    #[test]
    fn the_attributes_of_the_path_choose_token_and_key() {
        let uri = parse(
            "pkcs11:token=My%20token;serial=12;slot-id=7;object=ra%3bkey;id=%00%fF;type=private",
        )
        .unwrap();
        assert_eq!(uri.token.label.as_deref(), Some("My token"));
        assert_eq!(uri.token.serial.as_deref(), Some("12"));
        assert_eq!(uri.token.slot, Some(7));
        assert_eq!(uri.key.label.as_deref(), Some("ra;key"));
        assert_eq!(uri.key.id, Some(vec![0, 0xff]));
        assert_eq!((uri.module, uri.scheme), (None, None));
    }

    #[test]
    fn the_query_names_the_module_and_the_algorithm() {
        let uri = parse("PKCS11:id=%01?module-name=hsm&x-sign=rsa-pss-sha384").unwrap();
        assert_eq!(uri.module.as_deref(), Some("hsm"));
        assert_eq!(uri.scheme, Some("rsa-pss-sha384"));
    }

    #[test]
    fn a_library_and_a_pin_are_refused_whatever_their_value() {
        for name in ["module-path", "pin-source", "pin-value"] {
            let error = parse(&format!("pkcs11:object=a?{name}=geheim")).unwrap_err();
            assert_eq!(error, UriError::NotHere(name));
            assert!(!error.to_string().contains("geheim"));
        }
    }

    #[test]
    fn what_names_no_one_key_is_refused() {
        let malformed = |text: &str| UriError::Malformed(text.to_owned());
        for (text, error) in [
            ("file:key", UriError::Scheme),
            ("", UriError::Scheme),
            ("pkcs11:", UriError::NoKey),
            ("pkcs11:token=a", UriError::NoKey),
            ("pkcs11:object=a;object=b", UriError::Twice("object".into())),
            ("pkcs11:object=a;type=cert", UriError::Type("cert".into())),
            ("pkcs11:object=a;foo=b", UriError::Unknown("foo".into())),
            (
                "pkcs11:object=a;module-name=b",
                UriError::Unknown("module-name".into()),
            ),
            ("pkcs11:object", malformed("object")),
            ("pkcs11:object=%f", malformed("object=%f")),
            ("pkcs11:object=%ff", malformed("object=%ff")),
            ("pkcs11:object=a;slot-id=x", malformed("slot-id=x")),
            ("pkcs11:object=a?x-sign=md5", UriError::Sign("md5".into())),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "pkcs11:(token|object|id|=|;|\\?|&|%|%4|%41|x-sign|\\PC){0,12}") {
            let _ = parse(&text);
        }
    }
}
