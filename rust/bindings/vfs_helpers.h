/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Out-of-line forms of inline C functions that rust/vfs calls. Each does what
 * the function after "blockyard_" does and nothing else.
 */
#ifndef BLOCKYARD_VFS_HELPERS_H
#define BLOCKYARD_VFS_HELPERS_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

struct inode *blockyard_alloc_inode_sb(struct super_block *sb,
				       struct kmem_cache *cache);
void blockyard_bio_first_folio(struct folio_iter *iter, struct bio *bio);
void blockyard_bio_next_folio(struct folio_iter *iter, struct bio *bio);
unsigned int blockyard_bdev_dma_alignment(struct block_device *bdev);
unsigned int blockyard_bdev_logical_block_size(struct block_device *bdev);
bool blockyard_dir_emit(struct dir_context *ctx, const char *name, int namelen,
			u64 ino, unsigned int type);
struct folio *blockyard_filemap_get_folio(struct address_space *mapping,
					  pgoff_t index);
void blockyard_folio_put(struct folio *folio);
void *blockyard_folio_address(const struct folio *folio);
loff_t blockyard_folio_pos(const struct folio *folio);
size_t blockyard_folio_size(const struct folio *folio);
bool blockyard_folio_test_checked(const struct folio *folio);
bool blockyard_folio_test_uptodate(const struct folio *folio);
void blockyard_folio_set_checked(struct folio *folio);
void blockyard_folio_zero_segment(struct folio *folio, size_t start, size_t end);
bool blockyard_want_init_on_alloc(void);
struct inode *blockyard_folio_inode(const struct folio *folio);
struct kmem_cache *blockyard_inode_cache_create(const char *name,
						unsigned int size,
						unsigned int align,
						void (*ctor)(void *));
void blockyard_inode_nohighmem(struct inode *inode);
void blockyard_mapping_set_folio_min_order(struct address_space *mapping,
					   unsigned int min);
void blockyard_ratelimit_default_init(struct ratelimit_state *state);
void blockyard_readahead_unbounded(struct address_space *mapping, pgoff_t index,
				   unsigned long nr_to_read);
const struct cred *blockyard_override_creds(const struct cred *creds);
void blockyard_revert_creds(const struct cred *creds);
struct folio *blockyard_readahead_folio(struct readahead_control *ractl);
size_t blockyard_readahead_length(const struct readahead_control *ractl);
void blockyard_seq_show_option(struct seq_file *m, const char *name,
			       const char *value);
/* The name as it is, not a format. */
void blockyard_super_set_sysfs_name_generic(struct super_block *sb,
					    const char *name);
void blockyard_super_set_uuid(struct super_block *sb, const u8 *uuid,
			      unsigned int len);

#endif
