//! No secret that the tests know may be in anything our programs say: log, standard output, answers, metrics, configuration as shown.
//!
//! Whoever makes a secret makes it known here; what a program says is searched when the program ends, and answers as they come.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pki::PrivateKey;

/// Shorter ones would be found by chance.
const SHORTEST: usize = 8;
/// Files that are looked at for keys; stores and databases may be larger.
const LARGEST_FILE: u64 = 64 << 10;

/// Every secret, by its first eight octets.
static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

#[derive(Default)]
struct Known(HashMap<u64, Vec<Secret>>);

struct Secret {
    octets: Vec<u8>,
    what: String,
}

fn known() -> MutexGuard<'static, Option<Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn first(octets: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(octets.get(..SHORTEST)?.try_into().ok()?))
}

impl Known {
    fn add(&mut self, octets: &[u8], what: &str) {
        let Some(first) = first(octets) else { return };
        let all = self.0.entry(first).or_default();
        if !all.iter().any(|secret| secret.octets == octets) {
            all.push(Secret {
                octets: octets.to_vec(),
                what: what.to_owned(),
            });
        }
    }

    fn find(&self, said: &[u8]) -> Option<&str> {
        let mut window = 0_u64;
        for (place, octet) in said.iter().enumerate() {
            window = window << 8 | u64::from(*octet);
            if place + 1 < SHORTEST {
                continue;
            }
            if let Some(all) = self.0.get(&window) {
                let rest = &said[place + 1 - SHORTEST..];
                let found = all.iter().find(|secret| rest.starts_with(&secret.octets));
                if let Some(found) = found {
                    return Some(&found.what);
                }
            }
        }
        None
    }
}

/// Makes a text known: a shared secret, a password, a token. As it is, in base64 and in hexadecimal.
pub fn text(what: &str, text: &str) {
    if text.len() < SHORTEST {
        return;
    }
    let mut known = known();
    let known = known.get_or_insert_default();
    known.add(text.as_bytes(), what);
    known.add(
        BASE64_STANDARD
            .encode(text)
            .trim_end_matches('=')
            .as_bytes(),
        what,
    );
    known.add(hex::encode(text).as_bytes(), what);
}

/// Makes a private key known.
pub fn key(key: &PrivateKey) {
    if let Ok(pem) = key.to_pkcs8_pem() {
        pem_key("a private key", &pem);
    }
}

/// Makes a private key known by its PEM text: the lines with the private part, and the same in the base64 of the text, which is how
/// REST v1 carries it.
fn pem_key(what: &str, pem: &str) {
    let body: Vec<&str> = pem.lines().filter(|line| !line.contains("-----")).collect();
    // The private number of an EC key stands before its public point, the private numbers of an RSA key behind its modulus.
    let private = if body.len() <= 4 {
        0..body.len().min(2)
    } else {
        body.len() / 2..body.len() - 1
    };
    let mut known = known();
    let known = known.get_or_insert_default();
    for line in &body[private.clone()] {
        if line.len() == 64 {
            known.add(line.as_bytes(), what);
        }
    }
    let encoded = BASE64_STANDARD.encode(pem);
    let (from, until) = (
        encoded.len() * (private.start + 1) / (body.len() + 2),
        encoded.len() * private.end / (body.len() + 2),
    );
    if let Some(middle) = encoded.get(from..until).filter(|text| text.len() >= 24) {
        known.add(middle.as_bytes(), what);
    }
}

/// Makes known what a program's folder holds: private keys in PEM, files that are named for a secret, and `cmpServers.json`.
pub(crate) fn folder(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            self::folder(&path);
        } else if entry
            .metadata()
            .is_ok_and(|file| file.len() <= LARGEST_FILE)
            && let Ok(content) = std::fs::read_to_string(&path)
        {
            file(&path, &content);
        }
    }
}

fn file(path: &Path, content: &str) {
    let what = path.display().to_string();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if is_named_for_one(&name) && content.lines().count() == 1 {
        text(&what, content.trim_end());
    }
    for block in content.split("-----BEGIN ").skip(1) {
        if block
            .split("-----")
            .next()
            .is_some_and(|kind| kind.ends_with("PRIVATE KEY") && !kind.contains("ENCRYPTED"))
        {
            let end = block.find("-----END").unwrap_or(block.len());
            pem_key(
                &what,
                &format!("-----BEGIN {}-----END PRIVATE KEY-----\n", &block[..end]),
            );
        }
    }
    if name == "cmpServers.json" {
        let servers: serde_json::Value = serde_json::from_str(content).unwrap_or_default();
        for server in servers["cmpv2Servers"].as_array().into_iter().flatten() {
            if let Some(secret) = server["authentication"]["iak"].as_str() {
                text(&what, secret);
            }
        }
    }
}

/// Makes known what a variable of a program's environment holds, if its name says that it is a secret.
pub(crate) fn variable(name: &str, value: &str) {
    if is_named_for_one(&name.to_lowercase()) {
        text(name, value);
    }
}

fn is_named_for_one(name: &str) -> bool {
    let words = ["secret", "password", "token", "pass"];
    words.iter().any(|word| name.contains(word)) && !name.ends_with(".log")
}

/// Makes known what header fields of a request hold.
pub(crate) fn fields(headers: &[(&str, &str)]) {
    for (name, value) in headers {
        match name.to_ascii_lowercase().as_str() {
            "authorization" => text(name, value.strip_prefix("Bearer ").unwrap_or(value)),
            "x-certway-store-password" => text(name, value),
            "pk" | "old_pk" => {
                let pem = BASE64_STANDARD.decode(value).ok();
                let pem = pem.and_then(|pem| String::from_utf8(pem).ok());
                if let Some(pem) = pem.filter(|pem| pem.contains("PRIVATE KEY-----")) {
                    pem_key(name, &pem);
                }
            }
            _ => {}
        }
    }
}

/// What is said there in the clear; `None`: nothing.
pub fn found_in(said: &[u8]) -> Option<String> {
    known().as_ref()?.find(said).map(str::to_owned)
}

/// # Panics
/// When a secret is in what was said. A test that fails already is left to it.
pub fn assert_none_in(who: &str, said: &[u8]) {
    if std::thread::panicking() {
        return;
    }
    if let Some(what) = found_in(said) {
        panic!("{who} says a secret: {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keys;

    #[test]
    fn a_text_is_found_as_it_is_in_base64_and_in_hexadecimal() {
        text("mine", "a-secret-of-this-test");
        for said in [
            "it is a-secret-of-this-test!".to_owned(),
            format!("Basic {}", BASE64_STANDARD.encode("a-secret-of-this-test")),
            format!("<{}>", hex::encode("a-secret-of-this-test")),
        ] {
            assert_eq!(found_in(said.as_bytes()).as_deref(), Some("mine"), "{said}");
        }
        assert_eq!(found_in(b"a-secret-of-this-tes"), None);
    }

    #[test]
    fn a_key_is_found_in_pem_and_as_rest_v1_carries_it_and_its_certificate_request_is_not() {
        for made in [Keys::ec(), Keys::rsa()] {
            key(&made);
            let pem = made.to_pkcs8_pem().unwrap();
            assert!(found_in(pem.as_bytes()).is_some());
            assert!(found_in(pem.replace('\n', "\\n").as_bytes()).is_some());
            assert!(found_in(BASE64_STANDARD.encode(&*pem).as_bytes()).is_some());
            let template = pki::Template::new(crate::certs::dn("CN=a"), made.public_key().clone());
            let csr = pki::Csr::build(&template, &made).unwrap().to_pem();
            assert_eq!(found_in(csr.as_bytes()), None);
            assert_eq!(found_in(BASE64_STANDARD.encode(csr).as_bytes()), None);
        }
    }
}
