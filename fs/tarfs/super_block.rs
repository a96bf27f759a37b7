// SPDX-License-Identifier: GPL-2.0

//! Mounting: finding the superblock and believing it.

use crate::{
    archive::{self, Archives},
    index::{Bad, Windows},
    inode::{self, Node},
    options::{self, Options},
    xattr,
};
use core::fmt::Display;
use kernel::{
    fmt,
    prelude::*,
    str::CString,
    sync::atomic::{Atomic, Relaxed},
};
use layout::{Superblock, BLOCK_SIZE, ROOT_INO};
use vfs::{
    crc32, errno, Counter, Devices, FileSystem, INode, INodeRef, NewSuperBlock, Parameter,
    ShownOptions, StatFs, SuperBlock, XattrNames, XattrNamespace, XattrValue,
};

/// The file system type.
pub(crate) struct Tarfs;

/// What a mount keeps in memory.
pub(crate) struct Mount {
    /// The superblock, checked.
    pub(crate) layout: Superblock,
    /// Where the data is.
    pub(crate) archives: Archives,
    /// The options that named the archives.
    layers: KVec<CString>,
    /// The option that named the length of the image.
    size: Option<u64>,
    /// How the index is read ahead.
    pub(crate) windows: Windows,
    /// How often damage was found.
    errors: Atomic<u64>,
    /// Whether blocks are checked against their sums: not with `-o noverify`.
    verify: Atomic<bool>,
}

impl Mount {
    /// Whether what is read is to be checked against its sum.
    pub(crate) fn verifies(&self) -> bool {
        self.verify.load(Relaxed)
    }
}

impl FileSystem for Tarfs {
    const NAME: &'static CStr = c"tarfs";
    /// "tarf", as in the first bytes of its name.
    const MAGIC: u32 = 0x7461_7266;

    type Store = Devices;
    type Data = Mount;
    type INodeData = Node;
    type Options = Options;

    const PARAMETERS: &'static [Parameter<Options>] = options::PARAMETERS;

    const COUNTERS: &'static [Counter<Self>] = &[Counter::new(c"errors_count", |sb| {
        sb.data().errors.load(Relaxed)
    })];

    fn fill_super(sb: &NewSuperBlock<'_, Self>) -> Result<Mount> {
        let unit = sb.device().logical_block_size();
        if unit > BLOCK_SIZE as u32 {
            return refuse(
                sb,
                EINVAL,
                fmt!(
                    "the device's logical blocks of {unit} bytes are larger than the index's 4096"
                ),
            );
        }
        let size = image_size(sb)?;
        let Some(last) = (size / BLOCK_SIZE as u64).checked_sub(1) else {
            return refuse(sb, EINVAL, fmt!("{size} bytes are less than a block"));
        };
        let position = last * BLOCK_SIZE as u64;
        let page_size = kernel::page::PAGE_SIZE as u64;
        // CAST: usize has 64 bits; the remainder is below a page.
        let page = sb.device().page((position / page_size) as usize, || 1)?;
        let block = page
            .get((position % page_size) as usize..)
            .and_then(|rest| rest.first_chunk::<BLOCK_SIZE>())
            .ok_or(EIO)?;
        let layout = match Superblock::decode(block, crc32, size) {
            Ok(layout) => layout,
            Err(error) => {
                let errno = if matches!(error, layout::Error::NotTarfs { .. }) {
                    EINVAL
                } else if error.is_unsupported() {
                    errno::not_supported()
                } else {
                    errno::corrupted()
                };
                // The kernel's `fmt!` knows only its own Display.
                return refuse(
                    sb,
                    errno,
                    fmt!("superblock at byte {position}: {}", format_args!("{error}")),
                );
            }
        };
        let archives = find_archives(sb, &layout)?;
        sb.set_uuid(&layout.uuid);
        Ok(Mount {
            layout,
            archives,
            layers: copy_of(&sb.options().layers)?,
            size: sb.options().size,
            windows: Windows::new(),
            errors: Atomic::new(0),
            verify: Atomic::new(sb.options().verify),
        })
    }

    fn options(sb: &SuperBlock<Self>) -> Result<Options> {
        Ok(Options {
            verify: sb.data().verifies(),
            // They are there to stay: a remount names them again or leaves them out.
            layers: KVec::new(),
            size: sb.data().size,
        })
    }

    fn extra_devices(options: &Options) -> &[CString] {
        &options.layers
    }

    fn reconfigure(sb: &SuperBlock<Self>, options: &Options) -> Result {
        let (now, then) = (&options.layers, &sb.data().layers);
        let is_same = now.len() == then.len()
            && now
                .iter()
                .zip(then)
                .all(|(now, then)| now.to_bytes() == then.to_bytes());
        if !now.is_empty() && !is_same {
            pr_err!(
                "({}): layers cannot change while they are mounted\n",
                sb.id()
            );
            return Err(EINVAL);
        }
        if options.size != sb.data().size {
            pr_err!("({}): the size cannot change while mounted\n", sb.id());
            return Err(EINVAL);
        }
        sb.data().verify.store(options.verify, Relaxed);
        Ok(())
    }

    fn show_options(sb: &SuperBlock<Self>, shown: &mut ShownOptions<'_>) {
        for path in &sb.data().layers {
            shown.show(c"layer", Some(path));
        }
        if !sb.data().verifies() {
            shown.show(c"noverify", None);
        }
        if let Some(size) = sb.data().size {
            // Without memory for the number, the option is not shown.
            if let Ok(text) = CString::try_from_fmt(fmt!("{size}")) {
                shown.show(c"size", Some(&text));
            }
        }
    }

    const ROOT_INO: u64 = ROOT_INO as u64;

    fn inode(sb: &SuperBlock<Self>, ino: u64) -> Result<INodeRef<'_, Self>> {
        match u32::try_from(ino) {
            Ok(ino @ 1..) if ino <= sb.data().layout.inode_count() => inode::iget(sb, ino),
            _ => Err(errno::stale()),
        }
    }

    fn parent(directory: &INode<Self>) -> Result<INodeRef<'_, Self>> {
        match directory.data().kind {
            layout::Kind::Directory(place) => inode::iget(directory.super_block(), place.parent),
            _ => Err(ENOTDIR),
        }
    }

    fn xattr(
        inode: &INode<Self>,
        namespace: XattrNamespace,
        name: &[u8],
        value: &mut XattrValue<'_>,
    ) -> Result {
        xattr::get(inode, namespace, name, value)
    }

    fn list_xattrs(inode: &INode<Self>, names: &mut XattrNames<'_>) -> Result {
        xattr::list(inode, names)
    }

    fn label(sb: &SuperBlock<Self>) -> &[u8] {
        &sb.data().layout.label
    }

    fn statfs(sb: &SuperBlock<Self>) -> StatFs {
        let layout = &sb.data().layout;
        let uuid = layout.uuid;
        let [low, high] = [&uuid[..8], &uuid[8..]].map(|half| {
            half.iter()
                .rev()
                .fold(0u64, |value, &byte| value << 8 | u64::from(byte))
        });
        StatFs {
            block_size: BLOCK_SIZE as u32,
            blocks: sb.data().size.unwrap_or(sb.device().size()) / BLOCK_SIZE as u64,
            files: layout.inode_count().into(),
            name_max: layout::NAME_MAX as u32,
            fsid: low ^ high,
        }
    }
}

/// Returns the length of the image, at whose end the superblock is: that of the device, or what the
/// option says.
fn image_size(sb: &NewSuperBlock<'_, Tarfs>) -> Result<u64> {
    let device = sb.device().size();
    match sb.options().size {
        Some(size) if size > device || size % BLOCK_SIZE as u64 != 0 => refuse(
            sb,
            EINVAL,
            fmt!("size={size} is no multiple of 4096 within the device's {device} bytes"),
        ),
        size => Ok(size.unwrap_or(device)),
    }
}

/// Finds the archives of an image: before the index, or on the devices that the options name.
fn find_archives(sb: &NewSuperBlock<'_, Tarfs>, layout: &Superblock) -> Result<Archives> {
    let devices = sb.extra_devices();
    if layout.index_offset != 0 {
        if !devices.is_empty() {
            return refuse(
                sb,
                EINVAL,
                fmt!("the image has its archive within: leave out the option layer"),
            );
        }
        return Ok(Archives::before_index());
    }
    let count = layout.layer_count() as usize;
    if devices.len() != count {
        return refuse(
            sb,
            EINVAL,
            fmt!(
                "the index has {count} archives: name them in its order, each with an option layer \
                 (given: {})",
                devices.len()
            ),
        );
    }
    let layers = match archive::list(sb.device(), layout, sb.options().verify) {
        Ok(layers) => layers,
        Err(Bad::Read(error)) => return Err(error),
        Err(Bad::Sum(error)) => {
            return refuse(sb, errno::corrupted(), fmt!("{}", format_args!("{error}")));
        }
    };
    for ((number, layer), device) in (1..).zip(&layers).zip(devices) {
        let (size, length, unit) = (device.size(), layer.length, device.logical_block_size());
        if size < length {
            return refuse(
                sb,
                EINVAL,
                fmt!("layer {number} has {size} bytes, its archive {length}"),
            );
        }
        if unit > BLOCK_SIZE as u32 {
            return refuse(
                sb,
                EINVAL,
                fmt!("layer {number} has logical blocks of {unit} bytes, at most 4096 can be read"),
            );
        }
    }
    Archives::on_devices(&layers)
}

/// A copy of paths.
fn copy_of(paths: &[CString]) -> Result<KVec<CString>> {
    let mut copy = KVec::with_capacity(paths.len(), GFP_KERNEL)?;
    for path in paths {
        copy.push(CString::try_from(&**path)?, GFP_KERNEL)?;
    }
    Ok(copy)
}

/// Says, to the kernel's log and to the mounting program, why there is no mount.
fn refuse<T>(sb: &NewSuperBlock<'_, Tarfs>, error: Error, reason: fmt::Arguments<'_>) -> Result<T> {
    pr_err!("({}): cannot mount: {reason}\n", sb.id());
    sb.explain(reason);
    Err(error)
}

/// Reports damage found in a mounted image, and returns the error for it. `what` says where it is
/// and which rule it breaks.
#[cold]
pub(crate) fn damaged(sb: &SuperBlock<Tarfs>, what: impl Display) -> Error {
    sb.data().errors.fetch_add(1, Relaxed);
    if sb.permits_message() {
        // The kernel's `fmt!` knows only its own Display.
        pr_err!("({}): {}\n", sb.id(), format_args!("{what}"));
    }
    errno::corrupted()
}
