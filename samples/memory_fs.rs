// SPDX-License-Identifier: GPL-2.0

//! A read-only file system in memory: `mount -t sample_memory_fs none /mnt`.
//!
//! It shows the parts of a file system on `rust/vfs`, in the order in which one writes them. There
//! is a file `greeting`, a link `link` to it, and a directory `numbers` with a file for each number
//! below 1000, whose content it is.

// `module!` expands to unsafe code, so that the crate as a whole cannot forbid it.
#![deny(unsafe_code)]

use kernel::{prelude::*, str::CString};
use vfs::{
    errno, AddressSpaceOperations, Attributes, DirEmitter, DirectoryOperations, DirectoryTables,
    FileSystem, FileTables, INode, INodeRef, Iget, Kind, LockedFolio, NewSuperBlock, NoDevice,
    Readahead, Registration, StatFs, SuperBlock, Target, Time,
};

module! {
    type: Module,
    name: "sample_memory_fs",
    authors: ["The Blockyard developers"],
    description: "A read-only file system in memory",
    license: "GPL v2",
    alias: ["fs-sample_memory_fs"],
}

/// Inode numbers. Those of the numbers follow.
const ROOT: u64 = 1;
const GREETING: u64 = 2;
const LINK: u64 = 3;
const NUMBERS: u64 = 4;
const FIRST_NUMBER: u64 = 5;
const NUMBER_COUNT: u64 = 1000;

struct MemoryFs;

impl FileSystem for MemoryFs {
    const NAME: &'static CStr = c"sample_memory_fs";
    const MAGIC: u32 = 0x6d65_6d66;
    const ROOT_INO: u64 = ROOT;

    type Store = NoDevice;
    type Data = ();
    type INodeData = ();
    type Options = ();

    fn fill_super(_sb: &NewSuperBlock<'_, Self>) -> Result {
        Ok(())
    }

    fn inode(sb: &SuperBlock<Self>, ino: u64) -> Result<INodeRef<'_, Self>> {
        let new = match sb.iget(ino)? {
            Iget::Cached(inode) => return Ok(inode),
            Iget::New(new) => new,
        };
        let directory = || Kind::Directory(DirectoryTables::new::<Directory>());
        let file = || Kind::Regular(FileTables::page_cache_only::<File>());
        let (kind, permissions, nlink, size) = match ino {
            ROOT => (directory(), 0o755, 3, 0),
            NUMBERS => (directory(), 0o755, 2, 0),
            LINK => (Kind::Symlink(Target::new(b"greeting")?), 0o777, 1, 8),
            _ => (file(), 0o444, 1, content(ino)?.to_bytes().len()),
        };
        let attributes = Attributes {
            permissions,
            nlink,
            uid: 0,
            gid: 0,
            size: size as u64,
            blocks: 0,
            mtime: Time {
                seconds: 0,
                nanoseconds: 0,
            },
            may_have_acl: false,
        };
        new.init(kind, &attributes, ())
    }

    fn parent(directory: &INode<Self>) -> Result<INodeRef<'_, Self>> {
        Self::inode(directory.super_block(), ROOT)
    }

    fn statfs(_sb: &SuperBlock<Self>) -> StatFs {
        StatFs {
            block_size: 4096,
            blocks: 0,
            files: FIRST_NUMBER + NUMBER_COUNT - 1,
            name_max: 255,
            fsid: 0,
        }
    }
}

/// The content of a file.
fn content(ino: u64) -> Result<CString> {
    match ino.checked_sub(FIRST_NUMBER) {
        Some(number @ 0..NUMBER_COUNT) => Ok(CString::try_from_fmt(fmt!("{number}\n"))?),
        None if ino == GREETING => Ok(CString::try_from(c"Hello from memory.\n")?),
        _ => Err(errno::stale()),
    }
}

struct File;

impl AddressSpaceOperations for File {
    type FileSystem = MemoryFs;

    fn read_folio(inode: &INode<MemoryFs>, folio: LockedFolio) -> Result {
        let content = content(inode.ino())?;
        // All fits into the first page, which is the only one that is asked for.
        folio.fill(|page| {
            page.fill(0);
            for (to, from) in page.iter_mut().zip(content.to_bytes()) {
                *to = *from;
            }
            Ok(())
        })
    }

    fn readahead(inode: &INode<MemoryFs>, folios: &mut Readahead<'_>) {
        for folio in folios {
            // A folio that is not filled is read again when it is needed.
            let _ = Self::read_folio(inode, folio);
        }
    }
}

struct Directory;

impl Directory {
    /// Name and inode number of entry `index`.
    fn entry(directory: &INode<MemoryFs>, index: u64) -> Result<Option<(CString, u64)>> {
        let (name, ino) = match (directory.ino(), index) {
            (ROOT, 0) => (CString::try_from(c"greeting")?, GREETING),
            (ROOT, 1) => (CString::try_from(c"link")?, LINK),
            (ROOT, 2) => (CString::try_from(c"numbers")?, NUMBERS),
            (NUMBERS, number @ 0..NUMBER_COUNT) => (
                CString::try_from_fmt(fmt!("{number}"))?,
                FIRST_NUMBER + number,
            ),
            _ => return Ok(None),
        };
        Ok(Some((name, ino)))
    }
}

impl DirectoryOperations for Directory {
    type FileSystem = MemoryFs;

    fn lookup<'a>(
        directory: &'a INode<MemoryFs>,
        name: &[u8],
    ) -> Result<Option<INodeRef<'a, MemoryFs>>> {
        let mut index = 0;
        while let Some((entry, ino)) = Self::entry(directory, index)? {
            if entry.to_bytes() == name {
                return MemoryFs::inode(directory.super_block(), ino).map(Some);
            }
            index += 1;
        }
        Ok(None)
    }

    fn iterate(directory: &INode<MemoryFs>, emitter: &mut DirEmitter<'_>) -> Result {
        // The file type is not told: whoever wants it asks the inode.
        const UNKNOWN: u8 = 0;
        while let position @ 0..=1 = emitter.position() {
            let (name, ino) = [(&b"."[..], directory.ino()), (b"..", ROOT)][position as usize];
            if !emitter.emit(name, ino, UNKNOWN, position + 1) {
                return Ok(());
            }
        }
        while let Some((name, ino)) = Self::entry(directory, emitter.position() - 2)? {
            let next = emitter.position() + 1;
            if !emitter.emit(name.to_bytes(), ino, UNKNOWN, next) {
                break;
            }
        }
        Ok(())
    }
}

#[pin_data]
struct Module {
    #[pin]
    registration: Registration<MemoryFs>,
}

impl kernel::InPlaceModule for Module {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            registration <- Registration::new(module),
        })
    }
}
