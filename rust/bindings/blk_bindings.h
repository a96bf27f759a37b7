/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What rust/blk needs and the kernel's own bindings crate lacks; see
 * vfs_bindings.h.
 */
#include <linux/badblocks.h>
