//! JSON bodies, and which of their members is at fault.

use serde::de::DeserializeOwned;

use super::Failure;

/// What serde says of a bad body can repeat much of it.
const LONGEST_DETAIL: usize = 300;

/// Reads a JSON body.
///
/// # Errors
/// 400 with member, place and reason.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let text: String = error.to_string().chars().take(LONGEST_DETAIL).collect();
        let member = member_at(body, error.line(), error.column());
        let member: String = member.chars().take(LONGEST_DETAIL).collect();
        Failure::bad_request(match member.as_str() {
            "" => format!("the JSON cannot be read: {text}"),
            member => format!("the JSON cannot be read at `{member}`: {text}"),
        })
    })
}

/// The member that a place (line and column from 1, as serde counts them) is in: `replaces.proof.signature`; empty outside of all.
fn member_at(body: &[u8], line: usize, column: usize) -> String {
    let before: usize = body
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let end = before.saturating_add(column).min(body.len());
    // One name for each object that is open; empty while none was read.
    let mut open: Vec<String> = Vec::new();
    let mut last = String::new();
    let mut at = 0;
    while at < end {
        match body[at] {
            b'"' => {
                let from = at + 1;
                at = string_end(body, from);
                last = String::from_utf8_lossy(&body[from..at.min(body.len())]).into_owned();
            }
            b':' => {
                if let Some(name) = open.last_mut() {
                    *name = std::mem::take(&mut last);
                }
            }
            b'{' => open.push(String::new()),
            b'}' => {
                open.pop();
            }
            _ => {}
        }
        at += 1;
    }
    open.retain(|name| !name.is_empty());
    open.join(".")
}

/// Where the string that begins at `at` ends: at its closing quotation mark, or behind the body.
fn string_end(body: &[u8], mut at: usize) -> usize {
    while at < body.len() && body[at] != b'"' {
        at += if body[at] == b'\\' { 2 } else { 1 };
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(body: &str) -> String {
        let error = serde_json::from_str::<api::v2::EnrollRequest>(body).unwrap_err();
        member_at(body.as_bytes(), error.line(), error.column())
    }

    #[test]
    fn the_member_at_fault_is_named_with_those_around_it() {
        for (body, member) in [
            (r#"{"csr":1}"#, "csr"),
            ("{\n \"csr\": \"a\",\n \"duration\" : 5\n}", "duration"),
            (
                r#"{"csr":"{:}\"","replaces":{"certificate":"","proof":{"algorithm":"ed25519","signature":5}}}"#,
                "replaces.proof.signature",
            ),
            (r#"{"usages":["server auth","fly"],"csr":""}"#, "usages"),
            ("[1]", ""),
            ("", ""),
        ] {
            assert_eq!(at(body), member, "{body}");
        }
    }

    #[test]
    fn no_place_and_no_body_is_too_odd_to_look_at() {
        for body in [&b"{\"a"[..], b"\"\\", b"}}:{", b"", b"\xff\n"] {
            for (line, column) in [(0, 0), (1, 1), (1, usize::MAX), (usize::MAX, 9)] {
                member_at(body, line, column);
            }
        }
    }
}
