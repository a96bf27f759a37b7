// SPDX-License-Identifier: GPL-2.0

//! Archives made at random: good ones against Python's reader, damaged ones against panics.

mod support;

use std::fs::{self, File};

use proptest::prelude::*;
use support::header::{
    archive, directory, extended, file, hard_link, pax, record, symlink, Header,
};
use support::walk::Image;
use support::{
    assert_same_files, broken_rules, list_tar, list_tars, mkfs, mkfs_in_place, read_image, Folder,
};
use tarfs_tools::options::ReadOptions;
use tarfs_tools::tar::Reader;
use tarfs_tools::tree::Builder;
use tarfs_tools::whiteouts::Mark;
use tarfs_tools::Source;

/// Names of few components, so that the same ones come again.
fn name() -> impl Strategy<Value = String> {
    let component = prop::sample::select(&["a", "b", "c", "long-name"][..]);
    let prefix = prop::sample::select(&["", "./", ".//"][..]);
    (prefix, prop::collection::vec(component, 1..4))
        .prop_map(|(prefix, components)| format!("{prefix}{}", components.join("/")))
}

/// An entry with all that belongs to it.
#[derive(Clone)]
struct Member(Vec<u8>);

/// Shows the starts of the blocks, and the types of those that are headers.
impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let blocks = self.0.chunks(512);
        let parts = blocks.map(|block| (block[156] as char, String::from_utf8_lossy(&block[..40])));
        f.debug_list().entries(parts).finish()
    }
}

fn join(members: &[Member]) -> Vec<u8> {
    let members: Vec<_> = members.iter().map(|member| member.0.clone()).collect();
    archive(&members)
}

fn member() -> impl Strategy<Value = Member> {
    let contents = prop::collection::vec(any::<u8>(), 0..1500);
    let number = prop_oneof![any::<u16>().prop_map(u32::from), 0..u32::MAX];
    prop_oneof![
        4 => (name(), contents).prop_map(|(name, contents)| file(&name, &contents)),
        4 => name().prop_map(|name| directory(&format!("{name}/"))),
        1 => Just(directory("./")),
        2 => (name(), name()).prop_map(|(name, target)| symlink(&name, &target)),
        2 => (name(), name()).prop_map(|(name, target)| hard_link(&name, &target)),
        1 => name().prop_map(|name| Header::new(&name, 0).typed(b'6').block()),
        1 => (name(), -3..3i64, 0..1_000_000_000u32).prop_map(|(name, seconds, nanoseconds)| {
            let mtime = format!("{seconds}.{nanoseconds:09}");
            [pax("mtime", mtime.as_bytes()), directory(&name)].concat()
        }),
        1 => (name(), number).prop_map(|(name, uid)| {
            [pax("uid", uid.to_string().as_bytes()), file(&name, b"x")].concat()
        }),
        1 => (name(), name()).prop_map(|(long, short)| {
            [pax("path", long.as_bytes()), file(&short, b"pax")].concat()
        }),
        1 => (name(), name()).prop_map(|(long, short)| {
            [extended(b'L', format!("{long}\0").as_bytes()), file(&short, b"gnu")].concat()
        }),
        1 => (name(), prop::collection::vec((0..9u64, 0..3usize), 0..40), any::<bool>())
            .prop_map(|(name, parts, is_in_data)| sparse(&name, &parts, is_in_data)),
        1 => (name(), prop::collection::vec(any::<u8>(), 0..300)).prop_map(|(name, value)| {
            [pax("SCHILY.xattr.user.name", &value), file(&name, b"xattr")].concat()
        }),
        1 => (name(), any::<u16>()).prop_map(|(name, gid)| {
            let global = extended(b'g', &record("gid", gid.to_string().as_bytes()));
            [global, file(&name, b"global")].concat()
        }),
    ]
    .prop_map(Member)
}

/// A sparse file of parts, each so many sectors after the one before it and so many long.
fn sparse(name: &str, parts: &[(u64, usize)], is_in_data: bool) -> Vec<u8> {
    let mut numbers = Vec::new();
    let (mut end, mut length) = (0, 0);
    for (gap, sectors) in parts {
        numbers.extend([end + gap * 512, *sectors as u64 * 512]);
        end += (gap + *sectors as u64) * 512;
        length += sectors * 512;
    }
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    let size = (end + 1).to_string();
    let data = vec![b's'; length];
    let record =
        |keyword: &str, value: &str| record(&format!("GNU.sparse.{keyword}"), value.as_bytes());
    // Python cannot read a record without any number.
    if !is_in_data && !parts.is_empty() {
        let records = [record("size", &size), record("map", &numbers.join(","))];
        return [extended(b'x', &records.concat()), file(name, &data)].concat();
    }
    let mut map = format!("{}\n", parts.len()).into_bytes();
    numbers
        .iter()
        .for_each(|number| map.extend(format!("{number}\n").bytes()));
    map.resize(map.len().next_multiple_of(512), 0);
    let records = [
        record("major", "1"),
        record("minor", "0"),
        record("name", name),
        record("realsize", &size),
    ];
    let header = extended(b'x', &records.concat());
    [header, file("made-up", &[map, data].concat())].concat()
}

/// Changes to an archive: a block, bytes in it, and whether its checksum is made right again.
fn damage() -> impl Strategy<Value = (usize, Vec<(usize, u8)>, bool)> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(&b"\0 /.017xgLKS\xff\x80"[..])
    ];
    let bytes = prop::collection::vec((0..512usize, byte), 1..6);
    (any::<usize>(), bytes, prop::bool::weighted(0.9))
}

fn make_sum_right(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The image of an archive has what Python finds in it.
    #[test]
    fn good_archives(members in prop::collection::vec(member(), 0..12)) {
        let mut tree = Builder::new(0);
        let accepted: Vec<_> = members
            .into_iter()
            .filter(|member| is_accepted(&mut tree, member))
            .collect();
        let folder = Folder::new();
        let path = folder.write("made.tar", &join(&accepted));
        let expected = list_tar(&path);
        let image = mkfs_in_place(&path);
        assert_same_files(&Image::new(&image).files(), &expected);
    }
}

/// The name of a whiteout, or nothing that is one.
fn whiteout() -> impl Strategy<Value = Member> {
    let last = prop::sample::select(&["a", "b", "c", "long-name", ".wh..opq", ".wh..opq"][..]);
    (name(), last).prop_map(|(directory, name)| {
        let directory = directory
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory);
        Member(file(&format!("./{directory}/.wh.{name}"), b""))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The index of several archives has what Python finds in them, one over the other.
    #[test]
    fn layers(
        layers in prop::collection::vec(
            (prop::collection::vec(member(), 1..10), prop::collection::vec(whiteout(), 0..3)),
            2..4,
        ),
    ) {
        let folder = Folder::new();
        let mut tree = Builder::new(0);
        let mut paths = Vec::new();
        for (number, (members, whiteouts)) in layers.into_iter().enumerate() {
            if number > 0 {
                tree.begin_layer();
                whiteouts.iter().for_each(|whiteout| hide(&mut tree, whiteout));
            }
            let mut accepted: Vec<_> = members
                .into_iter()
                .filter(|member| is_accepted(&mut tree, member))
                .collect();
            accepted.extend(whiteouts);
            if accepted.is_empty() {
                accepted.push(Member(directory("./")));
            }
            paths.push(folder.write(&format!("{number}.tar"), &join(&accepted)));
        }
        let index = folder.path("index");
        let arguments = paths.iter().flat_map(|path| ["--layer".as_ref(), path.as_os_str()]);
        mkfs(arguments.chain(["--index-only".as_ref(), index.as_os_str()])).good();
        prop_assert_eq!(broken_rules(&index, &paths), Vec::<String>::new());
        let mut files: Vec<_> = paths.iter().map(|path| path.as_path()).collect();
        let expected = list_tars(&files);
        files.insert(0, &index);
        assert_same_files(&read_image(&files)["files"], &expected);
    }
}

/// Takes away from a tree what a whiteout says.
fn hide(tree: &mut Builder, whiteout: &Member) {
    let name = whiteout.0[..100].split(|&byte| byte == 0).next().unwrap();
    match Mark::of(name).unwrap().unwrap() {
        Mark::Gone { directory, name } => tree.remove(directory, name).unwrap(),
        Mark::Opaque { directory } => tree.remove_children(directory).unwrap(),
        Mark::Other => {}
    }
}

/// Adds an entry to a tree; whether nothing is wrong with it there.
fn is_accepted(tree: &mut Builder, member: &Member) -> bool {
    let folder = Folder::new();
    let path = folder.write("member", &member.0);
    let source = Source::new(&path, File::open(&path).unwrap()).unwrap();
    let length = source.length();
    let mut reader = Reader::new(&source, length, ReadOptions::default());
    let entry = reader.next_entry().unwrap().unwrap();
    tree.add(&entry).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A damaged archive is refused with a status of its own, or its image is whole.
    #[test]
    fn damaged_archives(
        members in prop::collection::vec(member(), 1..8),
        damages in prop::collection::vec(damage(), 1..4),
        cut in prop::option::weighted(0.2, any::<usize>()),
    ) {
        let mut bytes = join(&members);
        for (block, changes, is_sum_right) in damages {
            let start = block % (bytes.len() / 512) * 512;
            let block = &mut bytes[start..start + 512];
            for (at, byte) in changes {
                block[at] = byte;
            }
            if is_sum_right {
                make_sum_right(block);
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % bytes.len());
        }
        let folder = Folder::new();
        let path = folder.write("damaged.tar", &bytes);
        let run = mkfs([&path]);
        let after = fs::read(&path).unwrap();
        match run.status {
            Some(0) => {
                prop_assert!(after.starts_with(&bytes));
                Image::new(&after).files();
                prop_assert_eq!(broken_rules(&path, &[]), Vec::<String>::new());
            }
            Some(2 | 4) => prop_assert!(after == bytes),
            _ => prop_assert!(false, "{:?}", run),
        }
    }
}
