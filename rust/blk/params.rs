// SPDX-License-Identifier: GPL-2.0

//! Module parameters.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)
//!
//! The kernel's `module!` knows integers only, does not show them in sysfs, and parses them its
//! own way. The parameters made here use the C functions (`param_ops_int` and so on), so that they
//! take and refuse exactly what those of a C module do, and stand in
//! `/sys/module/MODULE/parameters`, readable by all and written by nobody.

use core::cell::UnsafeCell;
use kernel::{bindings, prelude::*, str::as_char_ptr_in_const_context};

/// A type of module parameters.
///
/// # Safety
///
/// `OPS.set` must write nothing but valid values of the type to where `kernel_param.arg` points,
/// and `OPS.get` must read nothing else.
pub unsafe trait Kind: Copy + Send + 'static {
    /// The C functions that parse and print a value.
    const OPS: *const bindings::kernel_param_ops;
    /// What `modinfo` calls the type.
    const TYPE: &'static str;
}

// SAFETY: The C functions are made for `int`.
unsafe impl Kind for i32 {
    const OPS: *const bindings::kernel_param_ops = &raw const bindings::param_ops_int;
    const TYPE: &'static str = "int";
}

// SAFETY: The C functions are made for `unsigned int`.
unsafe impl Kind for u32 {
    const OPS: *const bindings::kernel_param_ops = &raw const bindings::param_ops_uint;
    const TYPE: &'static str = "uint";
}

// SAFETY: The C functions are made for `unsigned long`, which `usize` is in the kernel.
unsafe impl Kind for usize {
    const OPS: *const bindings::kernel_param_ops = &raw const bindings::param_ops_ulong;
    const TYPE: &'static str = "ulong";
}

// SAFETY: The C functions are made for `bool`, and `kstrtobool()` writes only 0 and 1.
unsafe impl Kind for bool {
    const OPS: *const bindings::kernel_param_ops = &raw const bindings::param_ops_bool;
    const TYPE: &'static str = "bool";
}

/// A text, or none where the parameter was not given.
///
/// The kernel keeps the text until the module has been unloaded: `destroy_params()` calls
/// `param_free_charp()` after the module's exit function.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Text(*const c_char);

impl Text {
    /// No text, as a default.
    pub const NONE: Self = Self(core::ptr::null());

    /// The text.
    pub fn as_c_str(self) -> Option<&'static CStr> {
        // SAFETY: If not null, the pointer is what `param_set_charp()` stored: a C string that
        // lives as long as this module's code runs. The loader alone stores one, as the parameter
        // is not writable in sysfs, before any code of the module runs.
        (!self.0.is_null()).then(|| unsafe { CStr::from_char_ptr(self.0) })
    }
}

// SAFETY: The text is never written to once it is there, and belongs to no task.
unsafe impl Send for Text {}

// SAFETY: The C functions are made for `char *`, and store nothing but C strings.
unsafe impl Kind for Text {
    const OPS: *const bindings::kernel_param_ops = &raw const bindings::param_ops_charp;
    const TYPE: &'static str = "charp";
}

/// An integer from `MIN` to `MAX`, in decimal.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct InRange<const MIN: i32, const MAX: i32>(i32);

impl<const MIN: i32, const MAX: i32> InRange<MIN, MAX> {
    /// The value `value`, which must be in the range: anything else is an error of compilation
    /// where a constant is made of it.
    pub const fn new(value: i32) -> Self {
        assert!(MIN <= value && value <= MAX);
        Self(value)
    }

    /// The value.
    pub const fn get(self) -> i32 {
        self.0
    }

    /// Parses a parameter.
    ///
    /// # Safety
    ///
    /// `text` must be null or a C string. `param` must be a [`KernelParam`] of a parameter of this
    /// type, whose value nobody else uses.
    unsafe extern "C" fn set(text: *const c_char, param: *const bindings::kernel_param) -> c_int {
        let mut value = 0;
        // SAFETY: By this function's contract `text`, if not null, is a C string.
        let parsed = !text.is_null() && unsafe { bindings::kstrtoint(text, 10, &mut value) } == 0;
        if !parsed || value < MIN || value > MAX {
            // SAFETY: By this function's contract the description is one made by `KernelParam`,
            // whose name is a C string.
            let name = unsafe { CStr::from_char_ptr((*param).name) };
            pr_err!("parameter {}: must be a number from {MIN} to {MAX}\n", name);
            return EINVAL.to_errno();
        }
        // SAFETY: By this function's contract the value may be overwritten.
        unsafe { *(*param).__bindgen_anon_1.arg.cast::<Self>() = Self(value) };
        0
    }
}

// SAFETY: `set` writes values in the range only; the type is an `int`, as `param_get_int()` wants.
unsafe impl<const MIN: i32, const MAX: i32> Kind for InRange<MIN, MAX> {
    const OPS: *const bindings::kernel_param_ops = &bindings::kernel_param_ops {
        flags: 0,
        set: Some(Self::set),
        get: Some(bindings::param_get_int),
        free: None,
    };
    const TYPE: &'static str = "int";
}

/// A module parameter. [`crate::module_parameter`] makes it.
pub struct Parameter<K: Kind>(UnsafeCell<K>);

// SAFETY: The value is written by the module loader, before any code of the module runs, and by
// `set()`. All accesses of this module are volatile and of at most a machine word, which the
// kernel's memory model lets race with each other; those of the C functions through sysfs are under
// the parameter lock, which `set()` takes.
unsafe impl<K: Kind> Sync for Parameter<K> {}

impl<K: Kind> Parameter<K> {
    /// A parameter that has the value `default` unless the module is loaded with another.
    pub const fn new(default: K) -> Self {
        Self(UnsafeCell::new(default))
    }

    /// The value.
    pub fn get(&self) -> K {
        // SAFETY: The value is initialised, and valid by the contract of `Kind`.
        unsafe { self.0.get().read_volatile() }
    }

    /// Replaces a value that the module cannot use by one it can, for users to see in sysfs.
    /// Process context, may sleep.
    pub fn set(&self, value: K) {
        // SAFETY: `__this_module` is this module, which is there while its code runs.
        unsafe { bindings::kernel_param_lock(this_module()) };
        // SAFETY: See `Sync`.
        unsafe { self.0.get().write_volatile(value) };
        // SAFETY: The lock was taken above.
        unsafe { bindings::kernel_param_unlock(this_module()) };
    }
}

/// `THIS_MODULE` of the module that this crate is linked into.
const fn this_module() -> *mut bindings::module {
    (&raw const bindings::__this_module).cast_mut()
}

/// The description of a [`Parameter`] that the module loader reads (`struct kernel_param`).
#[repr(transparent)]
pub struct KernelParam(bindings::kernel_param);

// SAFETY: The structure is never written to; what it points to is synchronised by itself.
unsafe impl Sync for KernelParam {}

impl KernelParam {
    /// Describes `parameter`.
    pub const fn new<K: Kind>(name: &'static CStr, parameter: &'static Parameter<K>) -> Self {
        Self(bindings::kernel_param {
            name: as_char_ptr_in_const_context(name),
            mod_: this_module(),
            ops: K::OPS,
            perm: 0o444,
            level: -1,
            flags: 0,
            __bindgen_anon_1: bindings::kernel_param__bindgen_ty_1 {
                arg: parameter.0.get().cast(),
            },
        })
    }
}

/// The length of a text for `.modinfo` that consists of `parts`.
pub const fn modinfo_len(parts: &[&str]) -> usize {
    let mut len = 1;
    let mut part = 0;
    while part < parts.len() {
        len += parts[part].len();
        part += 1;
    }
    len
}

/// A text for `.modinfo` that consists of `parts` and the NUL that ends it. `N` must be
/// [`modinfo_len`] of them.
pub const fn modinfo<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut text = [0; N];
    let mut len = 0;
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            text[len] = bytes[i];
            len += 1;
            i += 1;
        }
        part += 1;
    }
    text
}

/// Makes a module parameter: a static [`Parameter`] named `$name`, public in
/// its crate, and what the module loader and `modinfo` want to know of it.
///
/// ```ignore
/// blk::module_parameter!(bs: i32 = 512, "Block size in bytes");
/// ```
#[macro_export]
macro_rules! module_parameter {
    ($name:ident: $kind:ty = $default:expr, $help:literal) => {
        #[doc = $help]
        #[allow(non_upper_case_globals)]
        pub(crate) static $name: $crate::params::Parameter<$kind> =
            $crate::params::Parameter::new($default);

        const _: () = {
            use $crate::params::{modinfo, modinfo_len, KernelParam, Kind};

            #[link_section = "__param"]
            #[used(compiler)]
            static PARAM: KernelParam =
                KernelParam::new(::kernel::c_str!(::core::stringify!($name)), &$name);

            const HELP: &[&str] = &["parm=", ::core::stringify!($name), ":", $help];
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static HELP_INFO: [u8; modinfo_len(HELP)] = modinfo(HELP);

            const TYPE: &[&str] = &[
                "parmtype=",
                ::core::stringify!($name),
                ":",
                <$kind as Kind>::TYPE,
            ];
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static TYPE_INFO: [u8; modinfo_len(TYPE)] = modinfo(TYPE);
        };
    };
}
