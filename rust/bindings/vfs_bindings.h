/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What rust/vfs needs and the kernel's own bindings crate lacks. Kbuild runs
 * bindgen over this file; only what the headers named in its allowlist define
 * is generated, everything else resolves to the kernel's own bindings.
 */
#include <linux/crc32.h>
#include <linux/exportfs.h>
#include <linux/fs_context.h>
#include <linux/iomap.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/statfs.h>

#include "vfs_helpers.h"

/* Macros whose casts or shifts bindgen does not evaluate. */
const blk_mode_t BLOCKYARD_BLK_OPEN_SUPER_READ = sb_open_mode(SB_RDONLY);
const blk_status_t BLOCKYARD_BLK_STS_IOERR = BLK_STS_IOERR;
const unsigned int BLOCKYARD_FMODE_CAN_ODIRECT =
	(__force unsigned int)FMODE_CAN_ODIRECT;
const unsigned int BLOCKYARD_FS_IOC_GETFSLABEL = FS_IOC_GETFSLABEL;
const int BLOCKYARD_IOCB_DIRECT = IOCB_DIRECT;
const unsigned int BLOCKYARD_SB_NOATIME = SB_NOATIME;
const unsigned int BLOCKYARD_SB_POSIXACL = SB_POSIXACL;
const unsigned int BLOCKYARD_SB_RDONLY = SB_RDONLY;
