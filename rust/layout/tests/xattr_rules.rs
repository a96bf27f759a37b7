// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Each rule of extended attributes, broken once in a set that keeps all others.

mod support;

use layout::*;
use support::{roomy, superblock, Counts};

/// A region of two blocks and a byte.
fn sb() -> Superblock {
    let counts = Counts {
        inodes: 1,
        xattrs: 8193,
        ..Counts::default()
    };
    superblock(counts).0
}

fn xattr(namespace: Namespace, name: &[u8]) -> XattrEntry<'_> {
    XattrEntry {
        namespace,
        name,
        value_length: 5,
        value_position: 4090,
    }
}

/// A set of `user.a`, `user.bb` and an access control list, with these bytes at `at`.
///
/// The header has 4 bytes, each entry 12: namespace, length of the name, place of the name, length
/// of the value, place of the value. The names are at 40 and 41.
fn set_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 50];
    let entries = [
        xattr(Namespace::User, b"a"),
        xattr(Namespace::User, b"bb"),
        xattr(Namespace::AclAccess, b""),
    ];
    assert_eq!(XattrSet::encode(&mut block, entries.into_iter()), Some(43));
    block[at..at + bytes.len()].copy_from_slice(bytes);
    block
}

fn entry(index: usize, at: usize, bytes: &[u8]) -> Result<usize, Error> {
    let block = set_with(at, bytes);
    let set = XattrSet::decode(&block, 0, &sb()).unwrap();
    set.entry(index).map(|entry| entry.name.len())
}

#[test]
fn a_good_set() {
    let block = set_with(0, &[]);
    let set = XattrSet::decode(&block, 0, &sb()).unwrap();
    assert_eq!(set.len(), 3);
    let find = |namespace, name| set.find(namespace, name);
    let second = xattr(Namespace::User, b"bb");
    assert_eq!(find(Namespace::User, b"bb"), Ok(Some(second)));
    assert_eq!(find(Namespace::Trusted, b"bb"), Ok(None));
    assert_eq!(find(Namespace::User, b"b"), Ok(None));
    let acl = xattr(Namespace::AclAccess, b"");
    assert_eq!(find(Namespace::AclAccess, b""), Ok(Some(acl)));
    assert_eq!(find(Namespace::AclDefault, b""), Ok(None));
}

#[test]
fn lengths() {
    let decode = |at, bytes: &[u8], offset| {
        let block = set_with(at, bytes);
        XattrSet::decode(&block, offset, &sb()).map(|set| set.len())
    };
    let wrong = |entries, used| {
        Err(Error::XattrSetLength {
            offset: 0,
            entries,
            used,
        })
    };
    assert_eq!(decode(0, &[], 0), Ok(3));
    assert_eq!(decode(0, &[0], 0), wrong(0, 43));
    assert_eq!(decode(0, &[4], 0), wrong(4, 43));
    assert_eq!(decode(0, &[0xff, 0xff], 0), wrong(0xffff, 43));
    assert_eq!(decode(2, &[51], 0), wrong(3, 51));
    assert_eq!(decode(2, &[39], 0), wrong(3, 39));
    assert_eq!(decode(2, &[3], 0), wrong(3, 3));
    for offset in [47, 60] {
        assert_eq!(decode(0, &[], offset), Err(Error::OutOfBlock { offset }));
    }
}

#[test]
fn names() {
    let place = |index, position, length| {
        Err(Error::XattrNamePosition {
            index,
            position,
            length,
        })
    };
    assert_eq!(entry(0, 0, &[]), Ok(1));
    assert_eq!(entry(1, 18, &[42]), place(1, 42, 2));
    assert_eq!(entry(1, 18, &[39]), place(1, 39, 2));
    assert_eq!(entry(1, 18, &[0xff, 0xff]), place(1, 0xffff, 2));
    assert_eq!(entry(1, 17, &[3]), place(1, 41, 3));
    let name = |index, length| Err(Error::XattrName { index, length });
    assert_eq!(entry(1, 41, &[0]), name(1, 2));
    assert_eq!(entry(0, 5, &[0]), name(0, 0));
    // An access control list has no name, all else has one.
    assert_eq!(entry(2, 29, &[1, 40]), name(2, 1));
    for namespace in [0, 6, 255] {
        let error = entry(2, 28, &[namespace]);
        assert_eq!(
            error,
            Err(Error::XattrNamespace {
                index: 2,
                namespace
            })
        );
    }
    let entries = 3;
    assert_eq!(entry(3, 0, &[]), Err(Error::NoXattr { index: 3, entries }));
}

/// With its prefix, a name has at most the 255 bytes that the system calls take.
#[test]
fn long_names() {
    let check = |namespace: Namespace, name: &[u8]| {
        let mut block = [0; 600];
        XattrSet::encode(&mut block, [xattr(namespace, name)].into_iter()).unwrap();
        let set = XattrSet::decode(&block, 0, &sb()).unwrap();
        set.entry(0).map(|entry| entry.name.len())
    };
    for namespace in [Namespace::User, Namespace::Trusted, Namespace::Security] {
        let room = 255 - namespace.prefix().len();
        assert_eq!(check(namespace, &vec![b'n'; room]), Ok(room));
        assert!(check(namespace, &vec![b'n'; room + 1]).is_err());
    }
}

#[test]
fn order() {
    let order = |index| Err(Error::XattrOrder { index });
    // `user.c` before `user.bb`; `user.b` twice; trusted before user.
    assert_eq!(entry(1, 40, b"c"), order(1));
    assert_eq!(
        entry(1, 40, b"bb\0"),
        Err(Error::XattrName {
            index: 1,
            length: 2
        })
    );
    assert_eq!(entry(1, 17, &[1, 40]), order(1));
    assert_eq!(entry(1, 4, &[2]), order(1));
    // An entry that is in its place is good, whatever comes later.
    assert_eq!(entry(0, 40, b"c"), Ok(1));
    let block = set_with(40, b"c");
    let set = XattrSet::decode(&block, 0, &sb()).unwrap();
    assert_eq!(
        set.find(Namespace::User, b"bb"),
        Err(Error::XattrOrder { index: 1 })
    );
}

#[test]
fn values() {
    let value = |length: u32, position: u32| {
        let bytes = [length.to_le_bytes(), position.to_le_bytes()].concat();
        entry(0, 8, &bytes)
    };
    let wrong = |length, position| {
        Err(Error::XattrValue {
            index: 0,
            length,
            position,
        })
    };
    assert!(value(8193, 0).is_ok() && value(1, 8192).is_ok() && value(0, 0).is_ok());
    assert_eq!(value(8194, 0), wrong(8194, 0));
    assert_eq!(value(1, 8193), wrong(1, 8193));
    assert_eq!(value(2, u32::MAX), wrong(2, u32::MAX));
    assert_eq!(value(0, 1), wrong(0, 1));
    let block = set_with(8, &65537u32.to_le_bytes());
    let set = XattrSet::decode(&block, 0, &roomy()).unwrap();
    assert_eq!(
        set.entry(0).map(|entry| entry.name.len()),
        wrong(65537, 4090)
    );
}

/// A value is read piece by piece, each in one block.
#[test]
fn pieces_of_values() {
    let sb = sb();
    let across = XattrEntry {
        value_length: 4099,
        ..xattr(Namespace::User, b"a")
    };
    let piece = |entry, offset| {
        let piece = sb.xattr_value(&entry, offset).unwrap();
        piece.map(|(position, length)| (position.block, position.offset, length))
    };
    assert_eq!(piece(across, 0), Some((1, 4090, 2)));
    assert_eq!(piece(across, 1), Some((1, 4091, 1)));
    assert_eq!(piece(across, 2), Some((2, 0, 4092)));
    assert_eq!(piece(across, 4098), Some((3, 4, 1)));
    assert_eq!(piece(across, 4099), None);
    assert_eq!(piece(across, u32::MAX), None);
    let outside = XattrEntry {
        value_position: 8193,
        ..across
    };
    assert_eq!(
        sb.xattr_value(&outside, 0),
        Err(Error::NoXattrs {
            position: 8193,
            xattrs: 8193
        })
    );
}

#[test]
fn places_of_sets() {
    let mut inode = Inode {
        mode: S_IFIFO,
        nlink: 1,
        uid: 0,
        gid: 0,
        mtime_sec: 0,
        mtime_nsec: 0,
        header: None,
        xattrs: Some(Xattrs { position: 8184 }),
        kind: Kind::Fifo,
    };
    let sb = sb();
    let decode = |inode: &Inode| {
        let record = InodeRecord::encode_wide(7, inode);
        InodeRecord::decode_wide(7, inode.mode, &record, 0, &sb)
    };
    assert_eq!(decode(&inode), Ok(inode));
    let position = sb.xattr_position(&Xattrs { position: 8184 });
    assert_eq!(
        position,
        Ok(Position {
            block: 3,
            offset: 0
        })
    );
    inode.xattrs = Some(Xattrs { position: 8196 });
    let error = Error::XattrsPosition {
        ino: 7,
        position: 8196,
        xattrs: 8193,
    };
    assert_eq!(decode(&inode), Err(error));
}

#[test]
fn whole_names() {
    let split = |name: &'static str| Namespace::split(name.as_bytes());
    assert_eq!(split("user.a.b"), Some((Namespace::User, &b"a.b"[..])));
    let capability = (Namespace::Security, &b"capability"[..]);
    assert_eq!(split("security.capability"), Some(capability));
    let acl = (Namespace::AclDefault, &b""[..]);
    assert_eq!(split("system.posix_acl_default"), Some(acl));
    for none in [
        "user",
        "user.",
        "usera",
        "system.nfs4_acl",
        "system.posix_acl_access2",
        "btrfs.compression",
        "user.a\0",
        "",
    ] {
        assert_eq!(split(none), None, "{none}");
    }
}
