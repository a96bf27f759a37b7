// SPDX-License-Identifier: GPL-2.0

//! Names of entries: their components, and the rules that keep them inside the root.

use layout::NAME_MAX;

use crate::tar::Rule;

/// Longest name, in bytes: the longest path that the kernel takes. It bounds how many directories
/// one entry can imply.
const PATH_MAX: usize = 4095;

/// Checks what concerns a name as a whole.
///
/// # Errors
///
/// The rule that the name breaks.
pub fn check(name: &[u8]) -> Result<(), Rule> {
    match name.first() {
        None => Err(Rule::NameEmpty),
        Some(b'/') => Err(Rule::NameAbsolute),
        Some(_) if name.len() > PATH_MAX => Err(Rule::NameTooLong { length: name.len() }),
        Some(_) if name.contains(&0) => Err(Rule::NameNul),
        Some(_) => Ok(()),
    }
}

/// Returns a name's components. Those that are empty or `.` are left out, as tar does.
pub fn components(name: &[u8]) -> impl Iterator<Item = Result<&[u8], Rule>> {
    name.split(|&byte| byte == b'/')
        .filter(|component| !matches!(*component, b"" | b"."))
        .map(check_component)
}

/// A name, split before its last component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split<'a> {
    /// Name of the directory; empty for the root.
    pub directory: &'a [u8],
    /// The last component.
    pub last: &'a [u8],
}

/// Splits a name before its last component. `None` where that is `.`, so that the name is that of a
/// directory whose parent it does not show.
///
/// # Errors
///
/// The rule that the last component breaks.
pub fn split(name: &[u8]) -> Result<Option<Split<'_>>, Rule> {
    let end = name.iter().rposition(|&byte| byte != b'/').unwrap_or(0);
    let name = name.get(..=end).unwrap_or_default();
    let (directory, last) = match name.iter().rposition(|&byte| byte == b'/') {
        None => (&b""[..], name),
        Some(slash) => {
            let (directory, from_slash) = name.split_at(slash);
            (directory, from_slash.get(1..).unwrap_or_default())
        }
    };
    if last == b"." {
        return Ok(None);
    }
    let last = check_component(last)?;
    Ok(Some(Split { directory, last }))
}

fn check_component(component: &[u8]) -> Result<&[u8], Rule> {
    if component == b".." {
        return Err(Rule::NameParent);
    }
    if component.len() > NAME_MAX {
        return Err(Rule::NameComponentTooLong {
            length: component.len(),
        });
    }
    Ok(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(name: &str) -> Result<Vec<&str>, Rule> {
        components(name.as_bytes())
            .map(|component| component.map(|component| std::str::from_utf8(component).unwrap()))
            .collect()
    }

    #[test]
    fn normalised() {
        assert_eq!(all("a/b"), Ok(vec!["a", "b"]));
        assert_eq!(all("./a//./b/"), Ok(vec!["a", "b"]));
        assert_eq!(all("./"), Ok(vec![]));
        assert_eq!(all("a/../b"), Err(Rule::NameParent));
        assert_eq!(all("..."), Ok(vec!["..."]));
    }

    #[test]
    fn splitting() {
        assert_eq!(
            split(b"a"),
            Ok(Some(Split {
                directory: b"",
                last: b"a"
            }))
        );
        assert_eq!(
            split(b"a/b//"),
            Ok(Some(Split {
                directory: b"a",
                last: b"b"
            }))
        );
        assert_eq!(
            split(b"./a"),
            Ok(Some(Split {
                directory: b".",
                last: b"a"
            }))
        );
        assert_eq!(split(b"a/."), Ok(None));
        assert_eq!(split(b"./"), Ok(None));
        assert_eq!(split(b"a/.."), Err(Rule::NameParent));
        assert_eq!(
            split(&[b'x'; 256]),
            Err(Rule::NameComponentTooLong { length: 256 })
        );
        assert!(split(&[b'x'; 255]).is_ok());
    }

    #[test]
    fn whole_names() {
        assert_eq!(check(b""), Err(Rule::NameEmpty));
        assert_eq!(check(b"/etc"), Err(Rule::NameAbsolute));
        assert_eq!(check(b"a\0b"), Err(Rule::NameNul));
        assert_eq!(check(&[b'x'; 4095]), Ok(()));
        assert_eq!(
            check(&[b'x'; 4096]),
            Err(Rule::NameTooLong { length: 4096 })
        );
    }
}
