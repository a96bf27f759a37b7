// SPDX-License-Identifier: GPL-2.0

//! Extended attributes and access control lists of an entry, from the records that programs write.

use std::collections::BTreeSet;

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::Engine;
use layout::{xattr_set_bytes, Namespace, BLOCK_SIZE, XATTR_NAME_MAX, XATTR_SIZE_MAX};
use percent_encoding::percent_decode;
use thiserror::Error;

use super::acl::{Acl, Problem, Tag};
use super::{Rule, Type};
use crate::message;

/// Base 64 as libarchive writes it, without padding, or with it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An extended attribute as an image has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xattr {
    /// The namespace.
    pub namespace: Namespace,
    /// The name behind the namespace's prefix.
    pub name: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

impl Xattr {
    /// The whole name, such as `user.comment`.
    pub fn full_name(&self) -> Vec<u8> {
        [self.namespace.prefix().as_bytes(), &self.name].concat()
    }
}

/// Something that an entry has and an image has no place for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotKept {
    /// Name of the extended attribute, or keyword of the record.
    pub name: Vec<u8>,
    /// Why.
    pub reason: Reason,
}

/// Why an image has no place for something.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Reason {
    /// A record of an extended header that nothing is known about.
    #[error("its keyword is not known")]
    UnknownRecord,
    /// The extended attribute's name starts with none of the known namespaces.
    #[error("its namespace is not known")]
    Namespace,
    /// The extended attribute's name is too long for Linux.
    #[error("its name has more than 255 bytes, or a NUL")]
    Name,
    /// The extended attribute's value is too long for Linux.
    #[error("its value has more than 65536 bytes")]
    ValueTooLong,
    /// Linux has no such access control list for this type of file.
    #[error("files of this type have none")]
    FileType,
    /// The access control list has a name without a number.
    #[error("it is for {name:?}, and has no number for that; archive it with `--numeric-owner`")]
    AclName {
        /// Name of a user or group.
        name: String,
    },
}

/// The records that extended headers have for these things.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// Names with their namespaces, and values.
    named: Vec<(Vec<u8>, Vec<u8>)>,
    /// Names as libarchive escapes them, where that changes them: it writes a record of star's kind
    /// under the escaped name as well, which is none of a further attribute.
    escaped: BTreeSet<Vec<u8>>,
    /// Texts of access control lists, empty where there is none.
    access: Option<Vec<u8>>,
    default: Option<Vec<u8>>,
}

impl Records {
    /// Takes a record; `false` where it is about something else.
    pub(super) fn add(&mut self, keyword: &[u8], value: &[u8]) -> Result<bool, Rule> {
        let record = match keyword {
            b"SCHILY.acl.access" => {
                self.access = Some(value.to_vec());
                return Ok(true);
            }
            b"SCHILY.acl.default" => {
                self.default = Some(value.to_vec());
                return Ok(true);
            }
            // The attribute itself ends in a NUL, which the record leaves out.
            b"RHT.security.selinux" => (b"security.selinux".to_vec(), [value, b"\0"].concat()),
            _ => {
                if let Some(name) = keyword.strip_prefix(b"SCHILY.xattr.") {
                    (unescape(name), value.to_vec())
                } else if let Some(name) = keyword.strip_prefix(b"LIBARCHIVE.xattr.") {
                    let value = BASE64.decode(value).map_err(|_| Rule::Base64 {
                        keyword: message::text(keyword),
                    })?;
                    let unescaped: Vec<u8> = percent_decode(name).collect();
                    if unescaped != unescape(name) {
                        self.escaped.insert(unescape(name));
                    }
                    (unescaped, value)
                } else {
                    return Ok(false);
                }
            }
        };
        self.named.push(record);
        Ok(true)
    }

    /// Takes the text of a list for access.
    pub(super) fn set_access(&mut self, text: &[u8]) {
        self.access = Some(text.to_vec());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.access.is_none() && self.default.is_none()
    }
}

/// Returns a name without GNU tar's escapes for what a keyword cannot have, and for their sign.
fn unescape(name: &[u8]) -> Vec<u8> {
    let mut unescaped = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match byte {
            b'%' if after.starts_with(b"3D") => (b'=', after.get(2..)),
            b'%' if after.starts_with(b"25") => (b'%', after.get(2..)),
            _ => (byte, Some(after)),
        };
        unescaped.push(byte);
        rest = after.unwrap_or_default();
    }
    unescaped
}

/// What matters about the entry whose records they are.
pub(super) struct Owner<'a> {
    pub(super) entry_type: Type,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) uname: &'a [u8],
    pub(super) gname: &'a [u8],
}

/// An entry's extended attributes, in the order of namespaces and names.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) xattrs: Vec<Xattr>,
    /// The nine permission bits that an access control list sets.
    pub(super) permissions: Option<u16>,
    pub(super) not_kept: Vec<NotKept>,
    /// Whether records of different kinds have different values for one.
    pub(super) has_two_values: bool,
}

impl Attributes {
    /// Puts together the global records and those of an entry, which replace them, and further
    /// extended attributes.
    pub(super) fn new(
        global: &Records,
        own: &Records,
        further: &[(Vec<u8>, Vec<u8>)],
        owner: &Owner<'_>,
    ) -> Result<Self, Rule> {
        let mut attributes = Self::default();
        let is_empty = global.is_empty() && own.is_empty() && further.is_empty();
        // A hard link is a name; what it names has its attributes.
        if is_empty || owner.entry_type == Type::HardLink {
            return Ok(attributes);
        }
        let named = global.named.iter().chain(&own.named).chain(further);
        let mut named: Vec<(&[u8], &[u8])> = named
            .filter(|(name, _)| !global.escaped.contains(name) && !own.escaped.contains(name))
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
            .collect();
        // Of those with one name the last one counts: it is the first from the end.
        named.reverse();
        named.sort_by_key(|(name, _)| *name);
        let is_differing = |pair: &[(&[u8], &[u8])]| match pair {
            [(name, value), (other_name, other)] => name == other_name && value != other,
            _ => false,
        };
        attributes.has_two_values = named.windows(2).any(is_differing);
        named.dedup_by_key(|(name, _)| *name);
        for (name, value) in named {
            attributes.add(name, value, owner)?;
        }
        let texts = [
            (Namespace::AclAccess, &own.access, &global.access),
            (Namespace::AclDefault, &own.default, &global.default),
        ];
        for (namespace, own, global) in texts {
            let text = own.as_deref().or(global.as_deref()).unwrap_or_default();
            // The value itself has the numbers, for which the text may have names.
            let has_value = attributes.has(namespace);
            if !text.trim_ascii().is_empty() && !has_value {
                attributes.add_text(namespace, text, owner)?;
            }
        }
        check_and_sort(&mut attributes.xattrs)?;
        Ok(attributes)
    }

    fn add(&mut self, name: &[u8], value: &[u8], owner: &Owner<'_>) -> Result<(), Rule> {
        if value.len() > XATTR_SIZE_MAX as usize {
            self.leave_out(name, Reason::ValueTooLong);
            return Ok(());
        }
        match Namespace::split(name) {
            Some((namespace @ (Namespace::AclAccess | Namespace::AclDefault), _)) => {
                let acl = Acl::from_value(value).ok_or_else(|| Rule::Acl {
                    text: message::text(name),
                })?;
                self.add_acl(namespace, &acl, owner);
            }
            Some((namespace, rest)) => self.push(namespace, rest, value.to_vec()),
            None if name.len() > XATTR_NAME_MAX || name.contains(&0) => {
                self.leave_out(name, Reason::Name);
            }
            None => self.leave_out(name, Reason::Namespace),
        }
        Ok(())
    }

    fn add_text(
        &mut self,
        namespace: Namespace,
        text: &[u8],
        owner: &Owner<'_>,
    ) -> Result<(), Rule> {
        let acl = Acl::parse(text, |tag, name| match tag {
            Tag::User if name == owner.uname => Some(owner.uid),
            Tag::Group if name == owner.gname => Some(owner.gid),
            _ => None,
        });
        match acl {
            Ok(acl) => self.add_acl(namespace, &acl, owner),
            Err(Problem::UnknownName(name)) => {
                let name = message::text(name);
                self.leave_out(namespace.prefix().as_bytes(), Reason::AclName { name });
            }
            Err(Problem::Malformed(part)) => {
                return Err(Rule::Acl {
                    text: message::text(part),
                })
            }
        }
        Ok(())
    }

    /// Adds a list, as setting it would: one for access also sets the permission bits, and where it
    /// says no more than those, that is all.
    fn add_acl(&mut self, namespace: Namespace, acl: &Acl, owner: &Owner<'_>) {
        let is_access = namespace == Namespace::AclAccess;
        match owner.entry_type {
            Type::Symlink if acl.is_minimal() => return,
            Type::Symlink => {
                return self.leave_out(namespace.prefix().as_bytes(), Reason::FileType)
            }
            Type::Directory => {}
            _ if is_access => {}
            _ => return self.leave_out(namespace.prefix().as_bytes(), Reason::FileType),
        }
        if is_access {
            self.permissions = Some(acl.permissions());
            if acl.is_minimal() {
                return;
            }
        }
        self.push(namespace, b"", acl.value());
    }

    fn has(&self, namespace: Namespace) -> bool {
        let mut xattrs = self.xattrs.iter();
        xattrs.any(|xattr| xattr.namespace == namespace)
    }

    fn push(&mut self, namespace: Namespace, name: &[u8], value: Vec<u8>) {
        self.xattrs.push(Xattr {
            namespace,
            name: name.to_vec(),
            value,
        });
    }

    fn leave_out(&mut self, name: &[u8], reason: Reason) {
        self.not_kept.push(NotKept {
            name: name.to_vec(),
            reason,
        });
    }
}

/// Puts extended attributes into their order; checks that the names fit into a set.
///
/// # Errors
///
/// [`Rule::XattrNames`].
pub(crate) fn check_and_sort(xattrs: &mut [Xattr]) -> Result<(), Rule> {
    xattrs.sort_by(|a, b| (a.namespace, &a.name).cmp(&(b.namespace, &b.name)));
    let names = xattrs.iter().map(|xattr| xattr.name.len()).sum();
    let bytes = xattr_set_bytes(xattrs.len(), names);
    if bytes > BLOCK_SIZE {
        return Err(Rule::XattrNames { bytes });
    }
    Ok(())
}
