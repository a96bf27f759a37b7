// SPDX-License-Identifier: GPL-2.0

//! Numbers in headers: octal digits, or GNU's base 256.

/// Parses a numeric field. A blank field is 0. `None` where it is no number or beyond 64 bits.
pub(super) fn parse(field: &[u8]) -> Option<i64> {
    match field.split_first() {
        Some((first, rest)) if first & 0x80 != 0 => parse_base256(*first, rest),
        _ => parse_octal(field),
    }
}

/// Whether a field is a number, and the same to GNU tar and Python: spaces, then digits, and after
/// those a NUL, spaces or the field's end. A field of NULs is 0. Of one of base 256, Python knows two
/// first bytes.
pub(super) fn is_plain(field: &[u8]) -> bool {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'7');
    match field {
        // As nearly all are: this is asked of every field.
        [digits @ .., 0 | b' '] if digits.iter().all(is_digit) => true,
        [0x80 | 0xff, ..] => parse(field).is_some(),
        [0, rest @ ..] => rest.iter().all(|byte| *byte == 0),
        _ => {
            let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
            let digits = text.trim_ascii();
            let is_spaced = text.iter().all(|byte| *byte == b' ' || is_digit(byte));
            is_spaced && !digits.is_empty() && !digits.contains(&b' ')
        }
    }
}

/// Spaces and NULs stand before the digits, and after them where the field has room.
fn parse_octal(field: &[u8]) -> Option<i64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !is_blank(byte));
    let digits = field.get(start.unwrap_or(field.len())..)?;
    let mut value: i64 = 0;
    for byte in digits.iter().take_while(|byte| !is_blank(byte)) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value = value.checked_mul(8)?.checked_add(i64::from(digit))?;
    }
    Some(value)
}

/// The top bit marks the form; what follows it is a big-endian number in two's complement.
fn parse_base256(first: u8, rest: &[u8]) -> Option<i64> {
    let is_negative = first & 0x40 != 0;
    // CAST: sign extension of the seven bits.
    let mut value = i64::from(if is_negative {
        first as i8
    } else {
        (first & 0x3f) as i8
    });
    for byte in rest {
        value = value.checked_mul(256)?.checked_add(i64::from(*byte))?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::{is_plain, parse};

    #[test]
    fn octal() {
        assert_eq!(parse(b"0000644\0"), Some(0o644));
        assert_eq!(parse(b"   644 \0"), Some(0o644));
        assert_eq!(parse(b"\0\0\x00755\0\0"), Some(0o755));
        assert_eq!(parse(b"77777777777"), Some(0o77777777777));
        assert_eq!(parse(b"\0\0\0\0\0\0\0\0"), Some(0));
        assert_eq!(parse(b"        "), Some(0));
        assert_eq!(parse(b"0000648\0"), None);
        assert_eq!(parse(b"-1\0\0\0\0\0\0"), None);
        assert_eq!(parse(b"0x1f\0\0\0\0"), None);
    }

    #[test]
    fn plain() {
        for field in [
            &b"0000644\0"[..],
            b"  644 \0x",
            b"77777777",
            b"0       ",
            b"\0\0\0\0\0\0\0\0",
            b"\x80\0\0\0\0\0\0\x01",
            &[0xff; 8],
        ] {
            assert!(is_plain(field), "{field:?}");
        }
        for field in [
            &b"\x000000644"[..],
            b"        ",
            b"644 644\0",
            b"644x\0\0\0\0",
            b"0000648\0",
            b"\t000644\0",
            b"\x81\0\0\0\0\0\0\x01",
            b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert!(!is_plain(field), "{field:?}");
        }
    }

    #[test]
    fn base256() {
        assert_eq!(parse(b"\x80\0\0\0\xff\xff\xff\xfe"), Some(0xffff_fffe));
        assert_eq!(parse(&[0xff; 12]), Some(-1));
        assert_eq!(
            parse(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0"),
            Some(-256)
        );
        assert_eq!(
            parse(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"),
            Some(i64::MAX)
        );
        assert_eq!(parse(b"\x80\0\0\0\x80\0\0\0\0\0\0\0"), None);
        assert_eq!(parse(b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"), Some(i64::MIN));
    }
}
