// SPDX-License-Identifier: GPL-2.0

//! Whiteouts: the entries by which a layer of a container image says what of the layers below it is
//! gone.

use layout::Namespace;

use crate::options::Whiteouts as Choice;
use crate::path;
use crate::tar::{Entry, Rule, Type, Xattr};
use crate::tree::{Builder, Content};

/// What the names of whiteouts start with.
const PREFIX: &[u8] = b".wh.";

/// What the names of other markers start with; AUFS has some for itself.
const MARKER_PREFIX: &[u8] = b".wh..wh.";

/// The marker of a directory that hides all of the one below it.
const OPAQUE: &[u8] = b".wh..wh..opq";

/// overlayfs's marker of such a directory.
const OVERLAY_OPAQUE: &[u8] = b"overlay.opaque";
const OVERLAY_YES: &[u8] = b"y";

/// A file that is gone, with what its whiteout's entry says.
struct Whiteout {
    name: Vec<u8>,
    offset: u64,
    uid: u32,
    gid: u32,
    mtime: (i64, u32),
}

/// The whiteouts among an archive's entries.
pub struct Whiteouts {
    choice: Choice,
    files: Vec<Whiteout>,
    /// The names of directories, and the bytes at which their markers are.
    opaque: Vec<(Vec<u8>, u64)>,
}

/// What the name of a whiteout says.
pub enum Mark<'a> {
    /// What the layers below have under a name is gone.
    Gone {
        /// The directory; empty for the root.
        directory: &'a [u8],
        /// The name in it.
        name: &'a [u8],
    },
    /// All that the layers below have in a directory is gone.
    Opaque {
        /// The directory; empty for the root.
        directory: &'a [u8],
    },
    /// Something that AUFS has for itself.
    Other,
}

impl<'a> Mark<'a> {
    /// Reads the name of an entry; `None` where it is that of a file.
    ///
    /// # Errors
    ///
    /// The rule that the name breaks.
    pub fn of(name: &'a [u8]) -> Result<Option<Self>, Rule> {
        let Some(split) = path::split(name).ok().flatten() else {
            return Ok(None);
        };
        let Some(gone) = split.last.strip_prefix(PREFIX) else {
            return Ok(None);
        };
        path::check(name)?;
        let directory = split.directory;
        if split.last == OPAQUE {
            return Ok(Some(Self::Opaque { directory }));
        }
        if split.last.starts_with(MARKER_PREFIX) {
            return Ok(Some(Self::Other));
        }
        match gone {
            b"" | b"." | b".." => Err(Rule::Whiteout),
            name => Ok(Some(Self::Gone { directory, name })),
        }
    }
}

/// Where a whiteout breaks a rule.
pub struct Problem {
    /// Byte of the archive.
    pub offset: u64,
    /// The name of what is gone.
    pub name: Vec<u8>,
    /// The rule.
    pub rule: Rule,
}

impl Whiteouts {
    /// Starts with none.
    pub fn new(choice: Choice) -> Self {
        Self {
            choice,
            files: Vec::new(),
            opaque: Vec::new(),
        }
    }

    /// Takes an entry if it is a whiteout; returns whether it is.
    ///
    /// # Errors
    ///
    /// The rule that its name breaks.
    pub fn take(&mut self, entry: &Entry<'_>) -> Result<bool, Rule> {
        if self.choice == Choice::Keep {
            return Ok(false);
        }
        let Some(mark) = Mark::of(entry.name)? else {
            return Ok(false);
        };
        match mark {
            _ if self.choice == Choice::Apply => {}
            Mark::Opaque { directory } => {
                self.opaque.push((directory.to_vec(), entry.offset));
            }
            Mark::Gone { directory, name } => self.files.push(Whiteout {
                name: [directory, b"/", name].concat(),
                offset: entry.offset,
                uid: entry.uid,
                gid: entry.gid,
                mtime: entry.mtime,
            }),
            Mark::Other => {}
        }
        Ok(true)
    }

    /// Puts overlayfs's whiteouts into the tree of all entries. What the archive itself has under a
    /// name that it says is gone replaces what is below: a directory by hiding it.
    ///
    /// # Errors
    ///
    /// The first whiteout that breaks a rule.
    pub fn finish(self, tree: &mut Builder) -> Result<(), Problem> {
        for Whiteout {
            name,
            offset,
            uid,
            gid,
            mtime,
        } in self.files
        {
            let relative = name.strip_prefix(b"/").unwrap_or(&name);
            let result = tree.resolve(relative).and_then(|node| match node {
                Some(node) if matches!(tree.tree().node(node).content, Content::Directory(_)) => {
                    tree.set_xattr(relative, opaque())
                }
                Some(_) => Ok(()),
                None => tree.add(&Entry {
                    offset,
                    name: relative,
                    target: b"",
                    entry_type: Type::CharDevice,
                    permissions: 0,
                    uid,
                    gid,
                    mtime,
                    size: 0,
                    data_offset: 0,
                    sparse: None,
                    device: (0, 0),
                    xattrs: Vec::new(),
                    not_kept: Vec::new(),
                    differences: Vec::new(),
                }),
            });
            result.map_err(|rule| Problem {
                offset,
                name: relative.to_vec(),
                rule,
            })?;
        }
        for (name, offset) in self.opaque {
            tree.set_xattr(&name, opaque())
                .map_err(|rule| Problem { offset, name, rule })?;
        }
        Ok(())
    }
}

fn opaque() -> Xattr {
    Xattr {
        namespace: Namespace::Trusted,
        name: OVERLAY_OPAQUE.to_vec(),
        value: OVERLAY_YES.to_vec(),
    }
}
