// SPDX-License-Identifier: GPL-2.0

//! Extended attributes: sets in the index, which inodes can share.

use crate::{
    index,
    super_block::{damaged, Tarfs},
};
use kernel::prelude::*;
use layout::{Namespace, XattrSet, Xattrs};
use vfs::{errno, INode, XattrNames, XattrNamespace, XattrValue};

/// Gives the value of an attribute: see [`vfs::FileSystem::xattr`].
pub(crate) fn get(
    inode: &INode<Tarfs>,
    namespace: XattrNamespace,
    name: &[u8],
    value: &mut XattrValue<'_>,
) -> Result {
    let Some(xattrs) = &inode.data().xattrs else {
        return Err(errno::no_data());
    };
    let namespace = match namespace {
        XattrNamespace::User => Namespace::User,
        XattrNamespace::Trusted => Namespace::Trusted,
        XattrNamespace::Security => Namespace::Security,
        XattrNamespace::AccessAcl => Namespace::AclAccess,
        XattrNamespace::DefaultAcl => Namespace::AclDefault,
    };
    let bad = |error| damaged_xattrs(inode, error);
    let sb = inode.super_block();
    with_set(inode, xattrs, |set| {
        let entry = set.find(namespace, name).map_err(bad)?;
        let entry = entry.ok_or_else(errno::no_data)?;
        // CAST: usize has 64 bits.
        if !value.begin(entry.value_length as usize)? {
            return Ok(());
        }
        let mut offset = 0;
        while let Some((at, length)) = sb.data().layout.xattr_value(&entry, offset).map_err(bad)? {
            let block = index::read(sb, at.block)?;
            let piece = block.get(at.offset..).and_then(|rest| rest.get(..length));
            value.write(piece.ok_or(EIO)?)?;
            // CAST: No more than a block.
            offset = offset.wrapping_add(length as u32);
        }
        Ok(())
    })
}

/// Names all attributes.
pub(crate) fn list(inode: &INode<Tarfs>, names: &mut XattrNames<'_>) -> Result {
    let Some(xattrs) = &inode.data().xattrs else {
        return Ok(());
    };
    with_set(inode, xattrs, |set| {
        for index in 0..set.len() {
            let entry = set
                .entry(index)
                .map_err(|error| damaged_xattrs(inode, error))?;
            let namespace = match entry.namespace {
                Namespace::User => XattrNamespace::User,
                Namespace::Trusted => XattrNamespace::Trusted,
                Namespace::Security => XattrNamespace::Security,
                Namespace::AclAccess => XattrNamespace::AccessAcl,
                Namespace::AclDefault => XattrNamespace::DefaultAcl,
            };
            names.add(namespace, entry.name)?;
        }
        Ok(())
    })
}

/// Lends the set of an inode.
fn with_set(
    inode: &INode<Tarfs>,
    xattrs: &Xattrs,
    use_set: impl FnOnce(&XattrSet<'_>) -> Result,
) -> Result {
    let bad = |error| damaged_xattrs(inode, error);
    let sb = inode.super_block();
    let layout = &sb.data().layout;
    let at = layout.xattr_position(xattrs).map_err(bad)?;
    let block = index::read(sb, at.block)?;
    use_set(&XattrSet::decode(&block, at.offset, layout).map_err(bad)?)
}

/// Reports damage in an inode's attributes.
fn damaged_xattrs(inode: &INode<Tarfs>, error: layout::Error) -> Error {
    damaged(
        inode.super_block(),
        format_args!("inode {}: {error}", inode.ino()),
    )
}
