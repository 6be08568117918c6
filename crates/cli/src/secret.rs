//! Passwords and tokens: from a file or the environment, never from the command line, where every process on the machine can read them.

use std::path::Path;

use secrecy::SecretString;

use crate::{exit::Failure, files};

/// Longer than any password or token.
const LONGEST: usize = 64 << 10;

/// The secret in this file without its last line end, else the one in this environment variable, else none.
pub(crate) fn secret(file: Option<&Path>, variable: &str) -> Result<Option<SecretString>, Failure> {
    let Some(path) = file else {
        return Ok(std::env::var(variable)
            .ok()
            .filter(|text| !text.is_empty())
            .map(SecretString::from));
    };
    let bytes = files::read(path, LONGEST)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::file(path, &NotText))?;
    let text = text
        .strip_suffix('\n')
        .map_or(text, |t| t.strip_suffix('\r').unwrap_or(t));
    if text.is_empty() {
        return Err(Failure::file(path, &Empty));
    }
    Ok(Some(SecretString::from(text)))
}

#[derive(Debug, thiserror::Error)]
#[error("the secret in it is not UTF-8 text")]
struct NotText;

#[derive(Debug, thiserror::Error)]
#[error("there is no secret in it")]
struct Empty;

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn one_line_end_is_not_part_of_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        for (text, secret_in_it) in [
            ("a b\n", "a b"),
            ("x\r\n", "x"),
            ("x\n\n", "x\n"),
            ("x", "x"),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(
                secret(Some(&path), "UNUSED")
                    .unwrap()
                    .unwrap()
                    .expose_secret(),
                secret_in_it
            );
        }
    }

    #[test]
    fn an_empty_or_binary_file_is_refused_without_showing_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        for bytes in [&b"\n"[..], b"", b"s3cret\xff"] {
            std::fs::write(&path, bytes).unwrap();
            let failure = secret(Some(&path), "UNUSED").unwrap_err();
            assert!(!failure.message.contains("s3cret"), "{failure}");
        }
    }
}
