// SPDX-License-Identifier: GPL-2.0

//! Bytes from archives in messages.

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

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn long_and_strange_names() {
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(text(&[b'n'; 200]), "n".repeat(200));
        assert_eq!(text(&[b'n'; 201]), "n".repeat(200) + "...");
    }
}
