// SPDX-License-Identifier: GPL-2.0
//! Which part of the stack a function belongs to, by its name.

/// The lowest address of the kernel's half.
const KERNEL: u64 = 0xffff_8000_0000_0000;

/// The beginnings of the names of a layer's functions in the kernel's image. The first layer that
/// has one counts.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "copies",
        &[
            "copy_",
            "_copy_",
            "__copy_",
            "rep_movs",
            "rep_stos",
            "memcpy",
            "__memcpy",
            "memset",
            "__memset",
            "clear_page",
            "clear_user",
        ],
    ),
    ("io_uring", &["io_", "__io_"]),
    (
        "block layer",
        &[
            "blk",
            "__blk",
            "bio_",
            "__bio",
            "submit_bio",
            "__submit_bio",
            "sbitmap",
            "__sbitmap",
            "bdev_",
            "bvec",
            "disk_",
            "rq_",
            "elv_",
            "part_",
        ],
    ),
    (
        "VFS",
        &[
            "vfs_",
            "do_filp",
            "do_open",
            "do_sys",
            "__do_sys",
            "__x64_sys",
            "path_",
            "link_path",
            "lookup",
            "__lookup",
            "d_",
            "__d_",
            "dput",
            "dget",
            "dentry",
            "inode",
            "iget",
            "iput",
            "file_",
            "fput",
            "fget",
            "__fget",
            "generic_",
            "iov_iter",
            "iomap_",
            "iterate_dir",
            "getname",
            "walk_",
            "step_",
            "filldir",
            "may_",
            "read_pages",
            "page_cache_",
            "splice",
            "ksys_",
            "rw_",
            "security_",
            "notify",
            "fsnotify",
            "mnt",
            "alloc_inode",
        ],
    ),
    (
        "page cache and memory",
        &[
            "filemap",
            "__filemap",
            "folio",
            "__folio",
            "page",
            "__page",
            "xas_",
            "xa_",
            "alloc",
            "__alloc",
            "get_page",
            "free_",
            "__free",
            "kmem_",
            "__kmem",
            "kmalloc",
            "__kmalloc",
            "kfree",
            "__kfree",
            "slab",
            "__slab",
            "mem_cgroup",
            "lru_",
            "mod_",
            "__mod",
            "handle_mm",
            "do_anonymous",
            "do_fault",
            "vma_",
            "unmap",
            "zap_",
            "rmqueue",
            "shrink",
            "list_lru",
            "invalidate",
            "truncate",
            "mas_",
            "mt_",
        ],
    ),
];

/// The layer of what runs at an address.
pub fn layer(address: u64, function: &str, module: Option<&str>) -> String {
    if address < KERNEL {
        return "program".to_owned();
    }
    if let Some(module) = module {
        return format!("module {module}");
    }
    let belongs = |prefixes: &[&str]| prefixes.iter().any(|prefix| function.starts_with(prefix));
    let found = LAYERS.iter().find(|(_, prefixes)| belongs(prefixes));
    found.map_or("other kernel", |(layer, _)| layer).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_layer() {
        assert_eq!(layer(0x40_0000, "main", None), "program");
        assert_eq!(layer(KERNEL, "blk_mq_submit_bio", None), "block layer");
        assert_eq!(
            layer(KERNEL, "null_queue_rq", Some("null_blk")),
            "module null_blk"
        );
        assert_eq!(layer(KERNEL, "schedule", None), "other kernel");
    }
}
