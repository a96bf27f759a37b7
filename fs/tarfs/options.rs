// SPDX-License-Identifier: GPL-2.0

//! Mount options.

use kernel::{prelude::*, str::CString};
use vfs::{Parameter, ParameterValue};

/// What the options of a mount say.
pub(crate) struct Options {
    /// Whether what is read is checked against its sum.
    pub(crate) verify: bool,
    /// The archives of an index of its own, in its order.
    pub(crate) layers: KVec<CString>,
    /// Length in bytes of an image, or of an index of its own, that does not fill its device.
    pub(crate) size: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verify: true,
            layers: KVec::new(),
            size: None,
        }
    }
}

/// Why there are no options to change owners.
const OWNERS: ParameterValue<Options> = ParameterValue::Refused(
    c"owners are those of the tar; to see others use an idmapped mount (mount -o X-mount.idmap)",
);

/// Why there are no options to change permissions.
const MODES: ParameterValue<Options> = ParameterValue::Refused(c"permissions are those of the tar");

/// The options, in the order of their names.
pub(crate) const PARAMETERS: &[Parameter<Options>] = &[
    parameter(c"gid", OWNERS),
    parameter(c"layer", ParameterValue::Text(add_layer)),
    parameter(c"mode", MODES),
    parameter(
        c"noverify",
        ParameterValue::Flag(|options| options.verify = false),
    ),
    parameter(c"size", ParameterValue::Text(set_size)),
    parameter(c"uid", OWNERS),
    parameter(c"umask", MODES),
    parameter(
        c"verify",
        ParameterValue::Flag(|options| options.verify = true),
    ),
];

const fn parameter(name: &'static CStr, value: ParameterValue<Options>) -> Parameter<Options> {
    Parameter { name, value }
}

/// The paths are opened later, with all of them known.
fn add_layer(options: &mut Options, path: &CStr) -> Result {
    if options.layers.len() >= layout::LAYERS_MAX as usize {
        return Err(E2BIG);
    }
    options.layers.push(CString::try_from(path)?, GFP_KERNEL)?;
    Ok(())
}

fn set_size(options: &mut Options, text: &CStr) -> Result {
    let size = text.to_str().ok().and_then(|text| text.parse().ok());
    options.size = Some(size.ok_or(EINVAL)?);
    Ok(())
}
