// SPDX-License-Identifier: GPL-2.0

//! Bytes from archives in messages, and as JSON.

use serde_json::Value;

/// Bytes of a name to show.
const SHOWN: usize = 200;

/// Returns a name or value as text: what is not UTF-8 is replaced, and the end of a long one left
/// out. It still has to be escaped (`{:?}`).
pub fn text(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => format!("{}...", String::from_utf8_lossy(start)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Returns a whole name or value between quotation marks, with everything escaped that is not plain
/// text.
pub fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("\"{}\"", bytes.escape_ascii()),
    }
}

/// Returns a name or value as JSON: a string; where it is not UTF-8 a list of its bytes, as in the
/// export of systemd's journal.
pub fn json(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{json, quoted, text};

    #[test]
    fn long_and_strange_names() {
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(text(&[b'n'; 200]), "n".repeat(200));
        assert_eq!(text(&[b'n'; 201]), "n".repeat(200) + "...");
    }

    #[test]
    fn quotation() {
        assert_eq!(quoted("ä\n\"".as_bytes()), "\"ä\\n\\\"\"");
        assert_eq!(quoted(b"\xff\n"), "\"\\xff\\n\"");
        assert_eq!(json("ä".as_bytes()), "ä");
        assert_eq!(json(b"\xff"), serde_json::json!([255]));
    }
}
