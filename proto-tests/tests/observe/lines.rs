//! docs/LOGGING.md against the source: every line that can be logged from `info` on stands there, and nothing else does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const DOCUMENT: &str = include_str!("../../../docs/LOGGING.md");
const CRATES: [&str; 5] = ["ra", "authority", "store", "server", "pki"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// What stands between the parentheses that open at the start of `text`.
fn parenthesised(text: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (place, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return &text[1..place];
                }
            }
            _ => {}
        }
    }
    panic!("unbalanced: {text}");
}

/// The sentence of a call: its one string literal that is neither a field's value nor an argument of something else.
fn sentence(arguments: &str) -> Option<String> {
    let (mut depth, mut before, mut rest) = (0, ' ', arguments);
    while let Some(place) = rest.find(['"', '(', ')', '[', ']', '{', '}', '=', ',']) {
        let c = rest[place..].chars().next().unwrap();
        rest = &rest[place + 1..];
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '"' => {
                let end = literal_end(rest);
                let text = &rest[..end];
                rest = &rest[end + 1..];
                if depth == 0 && before != '=' {
                    return Some(joined(text));
                }
            }
            _ => {}
        }
        if depth == 0 {
            before = c;
        }
    }
    None
}

fn literal_end(text: &str) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place,
            _ => {}
        }
    }
    panic!("no end: {text}");
}

/// A literal over several lines as it is logged.
fn joined(text: &str) -> String {
    let mut out = String::new();
    for part in text.split("\\\n") {
        out.push_str(if out.is_empty() {
            part
        } else {
            part.trim_start()
        });
    }
    out.replace("\\\"", "\"")
}

/// Level and sentence of every line, as the source has them.
fn logged() -> BTreeSet<(String, String)> {
    let mut files = Vec::new();
    for name in CRATES {
        sources(&root().join(name).join("src"), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for level in ["info", "warn", "error"] {
            for (place, call) in text.match_indices(&format!("tracing::{level}!(")) {
                let arguments = parenthesised(&text[place + call.len() - 1..]);
                let sentence = sentence(arguments)
                    .unwrap_or_else(|| panic!("{}: {arguments}", file.display()));
                found.insert((level.to_owned(), sentence));
            }
        }
    }
    found
}

/// The rows of the document's tables whose first cell is a level.
fn documented() -> BTreeSet<(String, String)> {
    DOCUMENT
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let level = cells.next()?;
            ["info", "warn", "error"].contains(&level).then_some(())?;
            let sentence = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            Some((level.to_owned(), sentence.to_owned()))
        })
        .collect()
}

#[test]
fn the_document_has_every_line_and_no_other() {
    let (logged, documented) = (logged(), documented());
    let missing: Vec<_> = logged.difference(&documented).collect();
    let gone: Vec<_> = documented.difference(&logged).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in docs/LOGGING.md: {missing:#?}\nnot in the source: {gone:#?}"
    );
    assert!(logged.len() > 40);
}

#[test]
fn a_sentence_is_found_behind_fields_and_before_arguments() {
    let found = |text: &str| sentence(text);
    assert_eq!(found("%why, \"it failed\"").as_deref(), Some("it failed"));
    assert_eq!(
        found("target: TARGET, kind = \"x\", a = f(\"y\"), \"it is {}\", z(\"w\")").as_deref(),
        Some("it is {}")
    );
    assert_eq!(found("a = 1"), None);
}
