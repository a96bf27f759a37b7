// SPDX-License-Identifier: GPL-2.0
//! Where two manifests differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::entry::{Entry, FileType, Manifest};

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many paths there are of each type.
    pub counts: BTreeMap<FileType, Count>,
    /// How many paths lead to an inode that another path leads to as well.
    pub hard_links: u64,
    /// How many attributes were compared.
    pub attributes: u64,
    /// All differences, in the order of the paths.
    pub differences: Vec<Difference>,
}

/// How much there is of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Paths.
    pub paths: u64,
    /// Bytes of contents, those of an inode once.
    pub bytes: u64,
}

/// One attribute of one path that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The path.
    pub path: Vec<u8>,
    /// The attribute's name.
    pub attribute: &'static str,
    /// What the tar says.
    pub expected: String,
    /// What the mount says.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            attribute,
            expected,
            found,
        } = self;
        let path = path.escape_ascii();
        write!(
            f,
            "/{path}: {attribute}: the tar has {expected}, the mount {found}"
        )
    }
}

/// Compares all attributes of all paths.
pub fn compare(expected: &Manifest, found: &Manifest) -> Comparison {
    let mut result = Comparison::default();
    let paths: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    for path in paths {
        match (expected.get(path), found.get(path)) {
            (Some(expected), Some(found)) => {
                result.count(path, expected);
                result.entry(path, expected, found);
            }
            (expected, found) => {
                let text = |entry: Option<&Entry>| match entry {
                    Some(entry) => format!("a {}", entry.file_type.names().0),
                    None => "nothing".to_owned(),
                };
                result.differences.push(Difference {
                    path: path.clone(),
                    attribute: "entry",
                    expected: text(expected),
                    found: text(found),
                });
            }
        }
    }
    result
}

impl Comparison {
    /// How many paths were compared.
    pub fn paths(&self) -> u64 {
        self.counts.values().map(|count| count.paths).sum()
    }

    fn count(&mut self, path: &[u8], entry: &Entry) {
        let count = self.counts.entry(entry.file_type).or_default();
        count.paths += 1;
        if entry.first_path == path {
            count.bytes = count.bytes.saturating_add(entry.size.unwrap_or(0));
        }
        if entry.file_type != FileType::Directory && entry.links > 1 {
            self.hard_links += 1;
        }
    }

    fn entry(&mut self, path: &[u8], expected: &Entry, found: &Entry) {
        // What a tar leaves open is not compared.
        let mtime = expected.mtime.and(found.mtime);
        for ((attribute, expected), (_, found)) in texts(expected, expected.mtime)
            .into_iter()
            .zip(texts(found, mtime))
        {
            self.attributes += u64::from(expected.is_some() || found.is_some());
            if expected != found {
                let text = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
                self.differences.push(Difference {
                    path: path.to_owned(),
                    attribute,
                    expected: text(expected),
                    found: text(found),
                });
            }
        }
    }
}

/// The attributes as a person reads them, in a fixed order.
fn texts(entry: &Entry, mtime: Option<i128>) -> [(&'static str, Option<String>); 11] {
    let bytes = |bytes: &[u8]| format!("\"{}\"", bytes.escape_ascii());
    [
        ("type", Some(entry.file_type.names().0.to_owned())),
        ("permissions", Some(format!("{:04o}", entry.permissions))),
        ("user id", Some(entry.uid.to_string())),
        ("group id", Some(entry.gid.to_string())),
        ("links", Some(entry.links.to_string())),
        (
            "mtime",
            mtime.map(|nanoseconds| format!("{nanoseconds} ns")),
        ),
        ("size", entry.size.map(|size| size.to_string())),
        (
            "device",
            entry
                .device
                .map(|(major, minor)| format!("{major}:{minor}")),
        ),
        ("target", entry.target.as_deref().map(bytes)),
        ("SHA-256", entry.sha256.clone()),
        ("same inode as", Some(bytes(&entry.first_path))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            file_type: FileType::Regular,
            permissions: 0o644,
            uid: 1,
            gid: 2,
            links: 1,
            mtime: Some(5),
            size: Some(6),
            device: Some((7, 8)),
            target: Some(b"t".to_vec()),
            sha256: Some("0".to_owned()),
            first_path: b"a".to_vec(),
        }
    }

    fn one(entry: Entry) -> Manifest {
        Manifest::from([(b"a".to_vec(), entry)])
    }

    #[test]
    fn equal_manifests_have_no_difference_and_are_counted() {
        let comparison = compare(&one(entry()), &one(entry()));
        assert_eq!(comparison.differences, []);
        let count = Count { paths: 1, bytes: 6 };
        assert_eq!(comparison.counts[&FileType::Regular], count);
        assert_eq!((comparison.paths(), comparison.attributes), (1, 11));
    }

    #[test]
    fn each_attribute_that_differs_is_one_difference() {
        type Change = (&'static str, fn(&mut Entry));
        let changes: [Change; 11] = [
            ("type", |entry| entry.file_type = FileType::Fifo),
            ("permissions", |entry| entry.permissions = 0o4644),
            ("user id", |entry| entry.uid += 1),
            ("group id", |entry| entry.gid += 1),
            ("links", |entry| entry.links += 1),
            ("mtime", |entry| entry.mtime = Some(4)),
            ("size", |entry| entry.size = None),
            ("device", |entry| entry.device = Some((8, 7))),
            ("target", |entry| entry.target = None),
            ("SHA-256", |entry| entry.sha256 = Some("1".to_owned())),
            ("same inode as", |entry| entry.first_path = b"b".to_vec()),
        ];
        for (attribute, change) in changes {
            let mut changed = entry();
            change(&mut changed);
            let differences = compare(&one(entry()), &one(changed)).differences;
            let names: Vec<_> = differences.iter().map(|d| d.attribute).collect();
            assert_eq!(names, [attribute]);
        }
    }

    #[test]
    fn what_is_on_one_side_only_is_a_difference() {
        let empty = Manifest::new();
        for (expected, found) in [(&empty, &one(entry())), (&one(entry()), &empty)] {
            let comparison = compare(expected, found);
            assert_eq!(comparison.differences.len(), 1);
            assert_eq!(comparison.differences[0].attribute, "entry");
        }
    }

    #[test]
    fn a_time_that_the_tar_leaves_open_is_not_compared() {
        let mut open = entry();
        open.mtime = None;
        assert_eq!(compare(&one(open), &one(entry())).differences, []);
    }

    #[test]
    fn a_difference_names_path_attribute_and_both_values() {
        let mut changed = entry();
        changed.permissions = 0o755;
        let difference = &compare(&one(entry()), &one(changed)).differences[0];
        assert_eq!(
            difference.to_string(),
            "/a: permissions: the tar has 0644, the mount 0755"
        );
    }
}
