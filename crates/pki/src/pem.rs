//! PEM (RFC 7468), read as it is met: text before and between blocks, CRLF, no newline at the end.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

/// One PEM block.
pub struct Block {
    /// The label, as in `-----BEGIN label-----`. Many makers get it wrong: sniff the content where that matters.
    pub label: String,
    /// The content. Wiped when dropped, since it may be a key.
    pub der: Zeroizing<Vec<u8>>,
    /// Whether the block has a `Proc-Type: 4,ENCRYPTED` header (RFC 1421): the content is then ciphertext.
    pub encrypted: bool,
}

/// Why a text is not the PEM it should be. Lines are counted from 1.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum PemError {
    /// A block was begun and not ended.
    #[error(
        "the PEM block \"{label}\" begun in line {line} has no matching -----END {label}----- line"
    )]
    NotEnded {
        /// Its label.
        label: String,
        /// The line of its BEGIN.
        line: usize,
    },
    /// The content is not base64.
    #[error("the PEM block \"{label}\" begun in line {line} is not base64")]
    NotBase64 {
        /// Its label.
        label: String,
        /// The line of its BEGIN.
        line: usize,
    },
    /// There is no block at all.
    #[error("there is no PEM block; expected -----BEGIN {0}-----")]
    Empty(&'static str),
}

/// The blocks of `text`, in order. After an error nothing more is read.
pub fn blocks(text: &[u8]) -> Blocks<'_> {
    Blocks {
        rest: text,
        line: 0,
    }
}

/// A PEM block: 64 columns, LF, LF at the end.
pub fn encode(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut out = String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 40);
    out.push_str("-----BEGIN ");
    out.push_str(label);
    out.push_str("-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = tail;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

/// Iterator of [`blocks`].
pub struct Blocks<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Blocks<'a> {
    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let (line, tail) = match end {
            Some(at) => (&self.rest[..at], &self.rest[at + 1..]),
            None => (self.rest, &[][..]),
        };
        self.rest = tail;
        self.line += 1;
        Some(line.trim_ascii())
    }

    fn block(&mut self, label: String) -> Result<Block, PemError> {
        let begun = self.line;
        let mut encrypted = false;
        let end = b"-----END ";
        // Sized before it is filled: growing would leave copies of a key behind.
        let size = self
            .rest
            .windows(end.len())
            .position(|window| window == end);
        let mut body = Zeroizing::new(Vec::with_capacity(size.unwrap_or_default()));
        while let Some(line) = self.next_line() {
            if line.starts_with(b"-----") {
                if boundary(line, end).as_deref() == Some(label.as_str()) {
                    return match STANDARD.decode(body.as_slice()) {
                        Ok(der) => Ok(Block {
                            label,
                            der: Zeroizing::new(der),
                            encrypted,
                        }),
                        Err(_) => Err(PemError::NotBase64 { label, line: begun }),
                    };
                }
                break;
            }
            if line.contains(&b':') {
                encrypted |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED");
            } else {
                body.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
            }
        }
        self.rest = &[];
        Err(PemError::NotEnded { label, line: begun })
    }
}

impl Iterator for Blocks<'_> {
    type Item = Result<Block, PemError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(line) = self.next_line() {
            if let Some(label) = boundary(line, b"-----BEGIN ") {
                let block = self.block(label);
                if block.is_err() {
                    self.rest = &[];
                }
                return Some(block);
            }
        }
        None
    }
}

/// The label of a boundary line. Labels are short ASCII; anything else is text.
fn boundary(line: &[u8], start: &[u8]) -> Option<String> {
    let label = line.strip_prefix(start)?.strip_suffix(b"-----")?;
    let plain = label.len() <= 80 && label.iter().all(|byte| (0x20..0x7f).contains(byte));
    plain.then(|| String::from_utf8_lossy(label).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Vec<u8>)> {
        blocks(text.as_bytes())
            .map(|block| block.unwrap())
            .map(|block| (block.label, block.der.to_vec()))
            .collect()
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let der: Vec<u8> = (0..=255).collect();
        let text = encode("THING", &der);
        assert_eq!(read(&text), [("THING".to_owned(), der)]);
    }

    #[test]
    fn encoded_text_has_64_columns_and_ends_with_a_line_feed() {
        let text = encode("X", &[7; 100]);
        assert!(text.ends_with("-----END X-----\n"));
        assert_eq!(text.lines().nth(1).map(str::len), Some(64));
        assert!(!text.contains('\r'));
    }

    #[test]
    fn leading_text_crlf_and_a_missing_final_newline_are_tolerated() {
        let text = "subject=CN = a\r\n\r\n-----BEGIN A-----\r\nAQID\r\n-----END A-----\r\nmore\r\n  -----BEGIN B-----\r\nBAUG\r\n-----END B-----";
        assert_eq!(
            read(text),
            [
                ("A".to_owned(), vec![1, 2, 3]),
                ("B".to_owned(), vec![4, 5, 6])
            ]
        );
    }

    #[test]
    fn a_block_without_end_is_refused_with_the_line_it_begins_in() {
        let mut found = blocks(b"hello\n-----BEGIN A-----\nAQID\n");
        assert_eq!(
            found.next().unwrap().err(),
            Some(PemError::NotEnded {
                label: "A".into(),
                line: 2
            })
        );
        assert!(found.next().is_none());
    }

    #[test]
    fn a_block_ended_by_another_label_is_refused() {
        let mut found = blocks(b"-----BEGIN A-----\nAQID\n-----END B-----\n");
        assert!(matches!(found.next(), Some(Err(PemError::NotEnded { .. }))));
    }

    #[test]
    fn content_that_is_not_base64_is_refused() {
        let mut found = blocks(b"-----BEGIN A-----\nAQ*D\n-----END A-----\n");
        assert!(matches!(
            found.next(),
            Some(Err(PemError::NotBase64 { line: 1, .. }))
        ));
    }

    #[test]
    fn the_header_of_traditional_encryption_is_seen() {
        let text = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAQID\n-----END RSA PRIVATE KEY-----\n";
        let block = blocks(text).next().unwrap().unwrap();
        assert!(block.encrypted);
        assert_eq!(block.der.as_slice(), [1, 2, 3]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic_or_loop(text in "(-----BEGIN A-----|-----END A-----|AQID|:|\\PC|\r|\n){0,30}") {
            let found = blocks(text.as_bytes()).count();
            proptest::prop_assert!(found <= text.matches("BEGIN").count());
        }
    }
}
