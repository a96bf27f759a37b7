// SPDX-License-Identifier: GPL-2.0

//! The mount API: from the options that fsconfig(2) and mount(2) bring to a superblock
//! (`struct fs_context`).

use crate::{
    backing::{Backing, OpenFile},
    store::StoreOperations,
    super_block::SuperBlock,
    super_operations, FileSystem,
};
use core::marker::PhantomData;
use kernel::{bindings, error::from_result, ffi, prelude::*};
use vfs_bindings as helpers;

/// One option of a mount.
pub struct Parameter<O: 'static> {
    /// Its name, as in `mount -o NAME`.
    pub name: &'static CStr,
    /// What it takes, and does to the options.
    pub value: ParameterValue<O>,
}

/// What an option takes.
pub enum ParameterValue<O: 'static> {
    /// No value.
    Flag(fn(&mut O)),
    /// A text: `NAME=TEXT`. An error of the function refuses the option.
    Text(fn(&mut O, &CStr) -> Result),
    /// Not to be had, for this reason; with or without a value.
    Refused(&'static CStr),
}

/// What a context collects until there is a superblock: `fs_private`.
pub struct Request<T: FileSystem> {
    /// The options so far.
    pub(crate) options: T::Options,
    /// The regular file to mount, where it is not a device.
    pub(crate) source: Option<OpenFile>,
    /// What [`FileSystem::extra_devices`] named.
    pub(crate) extra: KVec<Backing>,
}

/// The request of a context.
///
/// # Safety
///
/// `context` is a context that [`init_fs_context`] of `T` set up, and the caller has it alone for
/// `'a`, as every callback of the mount API does (`uapi_mutex`, or a context of the caller's own).
pub(crate) unsafe fn request<'a, T: FileSystem>(
    context: *mut helpers::fs_context,
) -> &'a mut Request<T> {
    // SAFETY: By this function's requirements: set there, and only taken by `free_fs_context`.
    unsafe { &mut *(*context).fs_private.cast() }
}

struct Tables<T>(PhantomData<T>);

impl<T: FileSystem> Tables<T> {
    const CONTEXT: helpers::fs_context_operations = helpers::fs_context_operations {
        free: Some(free_fs_context::<T>),
        parse_param: Some(parse_param::<T>),
        get_tree: Some(get_tree::<T>),
        reconfigure: Some(reconfigure::<T>),
        ..pin_init::zeroed()
    };
}

/// # Safety
///
/// As `->init_fs_context`: the context is valid and ours to set up.
pub(crate) unsafe extern "C" fn init_fs_context<T: FileSystem>(
    context: *mut bindings::fs_context,
) -> ffi::c_int {
    let context = context.cast::<helpers::fs_context>();
    from_result(|| {
        // SAFETY: By this function's requirements; a context to reconfigure has the root of a
        // mounted superblock, which is of this type.
        let mounted: Option<&SuperBlock<T>> = unsafe {
            (*context)
                .root
                .as_ref()
                .map(|root| SuperBlock::from_raw(root.d_sb))
        };
        let options = match mounted {
            Some(sb) => T::options(sb)?,
            None => T::Options::default(),
        };
        let request = KBox::new(
            Request::<T> {
                options,
                source: None,
                extra: KVec::new(),
            },
            GFP_KERNEL,
        )?;
        // SAFETY: As above. `free_fs_context` frees the request.
        unsafe {
            (*context).fs_private = KBox::into_raw(request).cast();
            (*context).ops = &Tables::<T>::CONTEXT;
        }
        Ok(0)
    })
}

/// # Safety
///
/// As `->free`: the context is valid and about to go.
unsafe extern "C" fn free_fs_context<T: FileSystem>(context: *mut helpers::fs_context) {
    // SAFETY: By this function's requirements; `init_fs_context` put the box there.
    unsafe {
        let request = core::mem::replace(&mut (*context).fs_private, core::ptr::null_mut());
        if !request.is_null() {
            drop(KBox::from_raw(request.cast::<Request<T>>()));
        }
    }
}

/// Tells whoever mounts what is wrong about `subject`: through the context's log, or in the kernel's.
///
/// # Safety
///
/// The context is valid.
pub(crate) unsafe fn complain(context: *mut helpers::fs_context, subject: &CStr, what: &CStr) {
    // SAFETY: By this function's requirements; the format takes two C strings.
    unsafe {
        helpers::logfc(
            (*context).log.log,
            (*context).log.prefix,
            b'e',
            c"%s: %s".as_char_ptr(),
            subject.as_char_ptr(),
            what.as_char_ptr(),
        );
    }
}

/// # Safety
///
/// As `->parse_param`: context and parameter are valid and the call's own.
unsafe extern "C" fn parse_param<T: FileSystem>(
    context: *mut helpers::fs_context,
    parameter: *mut helpers::fs_parameter,
) -> ffi::c_int {
    from_result(|| {
        // SAFETY: By this function's requirements; a key is a C string.
        let key = unsafe { CStr::from_char_ptr((*parameter).key) };
        let Some(known) = T::PARAMETERS.iter().find(|known| known.name == key) else {
            // The VFS goes on: to the `source`, or to "Unknown parameter".
            // CAST: Error numbers are below 4096.
            return Err(Error::from_errno(-(bindings::ENOPARAM as i32)));
        };
        // SAFETY: By this function's requirements.
        let options = unsafe { &mut request::<T>(context).options };
        let complain = |what: &CStr| {
            // SAFETY: By this function's requirements.
            unsafe { complain(context, key, what) };
            Err(EINVAL)
        };
        // SAFETY: By this function's requirements.
        let kind = unsafe { (*parameter).type_() };
        match (&known.value, kind) {
            (ParameterValue::Refused(reason), _) => complain(reason),
            (ParameterValue::Flag(set), helpers::fs_value_type_fs_value_is_flag) => {
                set(options);
                Ok(0)
            }
            (ParameterValue::Flag(_), _) => complain(c"takes no value"),
            (ParameterValue::Text(set), helpers::fs_value_type_fs_value_is_string) => {
                // SAFETY: A parameter of this type has a C string.
                let text = unsafe { CStr::from_char_ptr((*parameter).__bindgen_anon_1.string) };
                set(options, text)?;
                Ok(0)
            }
            (ParameterValue::Text(_), _) => complain(c"takes a text"),
        }
    })
}

pub(crate) type FillSuper = Option<
    unsafe extern "C" fn(*mut bindings::super_block, *mut helpers::fs_context) -> ffi::c_int,
>;

/// # Safety
///
/// As `->get_tree`: the context is valid and complete.
unsafe extern "C" fn get_tree<T: FileSystem>(context: *mut helpers::fs_context) -> ffi::c_int {
    from_result(|| {
        // SAFETY: By this function's requirements. Read-only from the start, so that a device is
        // opened for reading only.
        unsafe {
            (*context).sb_flags |= helpers::BLOCKYARD_SB_RDONLY;
            T::Store::get_tree::<T>(context, Some(super_operations::fill_super::<T>))
        }
    })
}

/// Remounting: the file system stays read-only, whatever is asked for.
///
/// # Safety
///
/// As `->reconfigure`: the context is valid, for a mounted superblock of `T`, whose `s_umount` is
/// held.
unsafe extern "C" fn reconfigure<T: FileSystem>(context: *mut helpers::fs_context) -> ffi::c_int {
    from_result(|| {
        // SAFETY: By this function's requirements.
        unsafe {
            (*context).sb_flags |= helpers::BLOCKYARD_SB_RDONLY;
            let sb = SuperBlock::from_raw((*(*context).root).d_sb);
            T::reconfigure(sb, &request::<T>(context).options)?;
        }
        Ok(0)
    })
}

/// Takes the options that a mount shows in `/proc/mounts`.
pub struct ShownOptions<'a> {
    seq: *mut bindings::seq_file,
    _call: PhantomData<&'a mut bindings::seq_file>,
}

impl ShownOptions<'_> {
    /// Shows an option, with its value if it has one.
    pub fn show(&mut self, name: &CStr, value: Option<&CStr>) {
        let value = value.map_or(core::ptr::null(), |value| value.as_char_ptr());
        // SAFETY: The file is valid for this value's life; both are C strings, or no value.
        unsafe {
            helpers::blockyard_seq_show_option(self.seq, name.as_char_ptr(), value);
        }
    }
}

/// # Safety
///
/// As `->show_options`, for the root of a mounted superblock of `T`.
pub(crate) unsafe extern "C" fn show_options<T: FileSystem>(
    seq: *mut bindings::seq_file,
    root: *mut bindings::dentry,
) -> ffi::c_int {
    let mut shown = ShownOptions {
        seq,
        _call: PhantomData,
    };
    // SAFETY: By this function's requirements.
    T::show_options(unsafe { SuperBlock::from_raw((*root).d_sb) }, &mut shown);
    0
}
