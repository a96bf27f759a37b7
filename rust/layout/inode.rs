// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Inodes: the short record of the common case, and the wide one.

use zerocopy::transmute;

use crate::{mode::*, raw, Directory, Error, Extent, Sparse, Superblock, Symlink, Xattrs, SECTOR};

/// Sector of a short record's header where the archive has none for the inode.
const NO_HEADER: u32 = u32::MAX;

/// Sector of a wide record's header where the archive has none for the inode.
const NO_HEADER_WIDE: u64 = u64::MAX;

/// Nanoseconds in a second.
const NSEC_PER_SEC: u32 = 1_000_000_000;

/// Highest major and minor number of a device.
const MAJOR_MAX: u32 = (1 << 12) - 1;
const MINOR_MAX: u32 = (1 << 20) - 1;

/// A validated inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inode {
    /// File type and permissions, as in `st_mode`.
    pub mode: u16,
    /// Number of links, at least 1; at least 2 for a directory.
    pub nlink: u32,
    /// User id of the owner.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Time of the last change of the data, in seconds since 1970.
    pub mtime_sec: i64,
    /// Its nanoseconds, below 10^9.
    pub mtime_nsec: u32,
    /// Sector of the tar in which the entry's first header block is; `None` for a directory that
    /// the archive implies but does not list.
    pub header: Option<u64>,
    /// Where its extended attributes are, if it has any.
    pub xattrs: Option<Xattrs>,
    /// The file type, with what depends on it.
    pub kind: Kind,
}

/// A file type, with the place of its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file whose data is in one piece.
    Regular(Extent),
    /// A regular file with holes.
    Sparse(Sparse),
    /// A directory.
    Directory(Directory),
    /// A symbolic link.
    Symlink(Symlink),
    /// A character device.
    CharDevice {
        /// Major number, 12 bits.
        major: u32,
        /// Minor number, 20 bits.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number, 12 bits.
        major: u32,
        /// Minor number, 20 bits.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// What an inode's record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// The whole inode.
    Complete(Inode),
    /// A wide inode has the fields.
    Wide {
        /// File type and permissions.
        mode: u16,
        /// Number of the wide inode, for [`Superblock::wide_position`].
        index: u32,
    },
}

/// The inode records, short (32 bytes) and wide (64 bytes): reading and writing them.
pub struct InodeRecord;

/// What both records hold, before it is checked.
struct Fields {
    mode: u16,
    nlink: u32,
    uid: u32,
    gid: u32,
    mtime_sec: i64,
    mtime_nsec: u32,
    header: Option<u64>,
    parent: u32,
    size: u64,
    data: u64,
    xattrs: u32,
    extents: u32,
}

impl InodeRecord {
    /// Reads inode `ino` from the index block and offset of [`Superblock::inode_position`].
    ///
    /// # Errors
    ///
    /// The rule that the record breaks.
    pub fn decode(ino: u32, block: &[u8], offset: usize, sb: &Superblock) -> Result<Record, Error> {
        let raw: &raw::Inode = raw::read(block, offset)?;
        let mode = raw.mode.get();
        if let Some(index) = raw.wide.get().checked_sub(1) {
            let other_fields = [
                raw.mtime,
                raw.size,
                raw.data,
                raw.header,
                raw.parent_or_nsec,
            ]
            .map(|f| f.get());
            let other_short_fields = [raw.nlink, raw.uid, raw.gid].map(|f| f.get());
            if other_fields != [0; 5] || other_short_fields != [0; 3] {
                return Err(Error::InodeNotZero { ino });
            }
            sb.wide_position(index)?;
            return Ok(Record::Wide { mode, index });
        }
        let is_directory = mode & S_IFMT == S_IFDIR;
        let parent_or_nsec = raw.parent_or_nsec.get();
        let (parent, mtime_nsec) = if is_directory {
            (parent_or_nsec, 0)
        } else {
            (0, parent_or_nsec)
        };
        let mtime = raw.mtime.get();
        let fields = Fields {
            mode,
            nlink: raw.nlink.get().into(),
            uid: raw.uid.get().into(),
            gid: raw.gid.get().into(),
            mtime_sec: sb
                .time_base
                .checked_add(mtime.into())
                .ok_or(Error::Mtime { ino, mtime })?,
            mtime_nsec,
            header: Some(raw.header.get())
                .filter(|&sector| sector != NO_HEADER)
                .map(u64::from),
            parent,
            size: raw.size.get().into(),
            data: raw.data.get().into(),
            xattrs: 0,
            extents: 0,
        };
        fields.check(ino, sb).map(Record::Complete)
    }

    /// Reads the wide record of inode `ino` from the index block and offset of
    /// [`Superblock::wide_position`]. `mode` is what [`Record::Wide`] gave.
    ///
    /// # Errors
    ///
    /// The rule that the record breaks.
    pub fn decode_wide(
        ino: u32,
        mode: u16,
        block: &[u8],
        offset: usize,
        sb: &Superblock,
    ) -> Result<Inode, Error> {
        let raw: &raw::WideInode = raw::read(block, offset)?;
        if raw.owner.get() != ino {
            return Err(Error::WideOwner {
                ino,
                owner: raw.owner.get(),
            });
        }
        let fields = Fields {
            mode,
            nlink: raw.nlink.get(),
            uid: raw.uid.get(),
            gid: raw.gid.get(),
            mtime_sec: raw.mtime_sec.get(),
            mtime_nsec: raw.mtime_nsec.get(),
            header: Some(raw.header.get()).filter(|&sector| sector != NO_HEADER_WIDE),
            parent: raw.parent.get(),
            size: raw.size.get(),
            data: raw.data.get(),
            xattrs: raw.xattrs.get(),
            extents: raw.extents.get(),
        };
        fields.check(ino, sb)
    }

    /// Returns an inode's short record, or `None` where a field does not fit into it.
    pub fn encode(inode: &Inode, time_base: i64) -> Option<[u8; 32]> {
        let fields = Fields::of(inode);
        let is_directory = matches!(inode.kind, Kind::Directory(_));
        if fields.xattrs != 0 || fields.extents != 0 || (is_directory && fields.mtime_nsec != 0) {
            return None;
        }
        let header = match fields.header {
            None => NO_HEADER,
            Some(sector) => u32::try_from(sector)
                .ok()
                .filter(|&sector| sector != NO_HEADER)?,
        };
        let mtime = fields.mtime_sec.checked_sub(time_base)?;
        Some(transmute!(raw::Inode {
            mode: fields.mode.into(),
            nlink: u16::try_from(fields.nlink).ok()?.into(),
            uid: u16::try_from(fields.uid).ok()?.into(),
            gid: u16::try_from(fields.gid).ok()?.into(),
            mtime: u32::try_from(mtime).ok()?.into(),
            size: u32::try_from(fields.size).ok()?.into(),
            data: u32::try_from(fields.data).ok()?.into(),
            header: header.into(),
            parent_or_nsec: if is_directory {
                fields.parent
            } else {
                fields.mtime_nsec
            }
            .into(),
            wide: 0.into(),
        }))
    }

    /// Returns the short record that refers to wide inode `index`, which is below 2^32 - 1.
    pub fn encode_reference(mode: u16, index: u32) -> [u8; 32] {
        transmute!(raw::Inode {
            mode: mode.into(),
            nlink: 0.into(),
            uid: 0.into(),
            gid: 0.into(),
            mtime: 0.into(),
            size: 0.into(),
            data: 0.into(),
            header: 0.into(),
            parent_or_nsec: 0.into(),
            wide: index.saturating_add(1).into(),
        })
    }

    /// Returns the wide record of inode `ino`.
    pub fn encode_wide(ino: u32, inode: &Inode) -> [u8; 64] {
        let fields = Fields::of(inode);
        transmute!(raw::WideInode {
            size: fields.size.into(),
            data: fields.data.into(),
            header: fields.header.unwrap_or(NO_HEADER_WIDE).into(),
            mtime_sec: fields.mtime_sec.into(),
            mtime_nsec: fields.mtime_nsec.into(),
            uid: fields.uid.into(),
            gid: fields.gid.into(),
            nlink: fields.nlink.into(),
            parent: fields.parent.into(),
            owner: ino.into(),
            xattrs: fields.xattrs.into(),
            extents: fields.extents.into(),
        })
    }
}

impl Fields {
    fn of(inode: &Inode) -> Self {
        let (parent, size, data) = match inode.kind {
            Kind::Regular(extent) => (0, extent.size, extent.sector),
            Kind::Sparse(sparse) => (0, sparse.size, sparse.first),
            Kind::Directory(directory) => (
                directory.parent,
                directory.leaves.into(),
                directory.first / 4,
            ),
            Kind::Symlink(symlink) => (0, symlink.length.into(), symlink.position),
            Kind::CharDevice { major, minor } | Kind::BlockDevice { major, minor } => {
                (0, 0, u64::from(major) << 20 | u64::from(minor))
            }
            Kind::Fifo | Kind::Socket => (0, 0, 0),
        };
        Self {
            mode: inode.mode,
            nlink: inode.nlink,
            uid: inode.uid,
            gid: inode.gid,
            mtime_sec: inode.mtime_sec,
            mtime_nsec: inode.mtime_nsec,
            header: inode.header,
            parent,
            size,
            data,
            xattrs: inode.xattrs.map_or(0, |xattrs| xattrs.field()),
            extents: match inode.kind {
                Kind::Sparse(sparse) => sparse.extents_field(),
                _ => 0,
            },
        }
    }

    fn check(self, ino: u32, sb: &Superblock) -> Result<Inode, Error> {
        let file_type = self.mode & S_IFMT;
        let is_directory = file_type == S_IFDIR;
        if ino == crate::ROOT_INO && !is_directory {
            return Err(Error::RootType { mode: self.mode });
        }
        let is_regular = file_type == S_IFREG;
        if (!is_directory && self.parent != 0) || (!is_regular && self.extents != 0) {
            return Err(Error::InodeNotZero { ino });
        }
        if self.nlink < if is_directory { 2 } else { 1 } {
            return Err(Error::Links {
                ino,
                links: self.nlink,
            });
        }
        if self.mtime_nsec >= NSEC_PER_SEC {
            return Err(Error::Nanoseconds {
                ino,
                nanoseconds: self.mtime_nsec,
            });
        }
        if let Some(sector) = self.header {
            let end = sector
                .checked_add(1)
                .and_then(|end| end.checked_mul(SECTOR));
            if end.is_none_or(|end| end > sb.tar_length) {
                return Err(Error::Header {
                    ino,
                    sector,
                    tar_length: sb.tar_length,
                });
            }
        }
        let kind = match file_type {
            S_IFREG if self.extents == 0 => {
                Kind::Regular(Extent::decode(ino, self.size, self.data, sb)?)
            }
            S_IFREG => Kind::Sparse(Sparse::decode(ino, self.size, self.data, self.extents, sb)?),
            S_IFDIR => Kind::Directory(Directory::decode(
                ino,
                self.parent,
                self.size,
                self.data,
                sb,
            )?),
            S_IFLNK => Kind::Symlink(Symlink::decode(ino, self.data, self.size, sb)?),
            S_IFCHR => {
                let (major, minor) = self.device(ino)?;
                Kind::CharDevice { major, minor }
            }
            S_IFBLK => {
                let (major, minor) = self.device(ino)?;
                Kind::BlockDevice { major, minor }
            }
            S_IFIFO | S_IFSOCK if self.size != 0 || self.data != 0 => {
                return Err(Error::InodeNotZero { ino });
            }
            S_IFIFO => Kind::Fifo,
            S_IFSOCK => Kind::Socket,
            _ => {
                return Err(Error::FileType {
                    ino,
                    mode: self.mode,
                })
            }
        };
        Ok(Inode {
            mode: self.mode,
            nlink: self.nlink,
            uid: self.uid,
            gid: self.gid,
            mtime_sec: self.mtime_sec,
            mtime_nsec: self.mtime_nsec,
            header: self.header,
            xattrs: Xattrs::decode(ino, self.xattrs, sb)?,
            kind,
        })
    }

    fn device(&self, ino: u32) -> Result<(u32, u32), Error> {
        let number = u32::try_from(self.data).ok().filter(|_| self.size == 0);
        let number = number.ok_or(Error::InodeNotZero { ino })?;
        Ok((number >> 20 & MAJOR_MAX, number & MINOR_MAX))
    }
}
