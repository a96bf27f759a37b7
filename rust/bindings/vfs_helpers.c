// SPDX-License-Identifier: GPL-2.0
/* See vfs_helpers.h. */
#include "vfs_helpers.h"

struct inode *blockyard_alloc_inode_sb(struct super_block *sb,
				       struct kmem_cache *cache)
{
	return alloc_inode_sb(sb, cache, GFP_KERNEL);
}

void blockyard_bio_first_folio(struct folio_iter *iter, struct bio *bio)
{
	bio_first_folio(iter, bio, 0);
}

void blockyard_bio_next_folio(struct folio_iter *iter, struct bio *bio)
{
	bio_next_folio(iter, bio);
}

unsigned int blockyard_bdev_dma_alignment(struct block_device *bdev)
{
	return bdev_dma_alignment(bdev);
}

unsigned int blockyard_bdev_logical_block_size(struct block_device *bdev)
{
	return bdev_logical_block_size(bdev);
}

bool blockyard_dir_emit(struct dir_context *ctx, const char *name, int namelen,
			u64 ino, unsigned int type)
{
	return dir_emit(ctx, name, namelen, ino, type);
}

struct folio *blockyard_filemap_get_folio(struct address_space *mapping,
					  pgoff_t index)
{
	return filemap_get_folio(mapping, index);
}

void blockyard_folio_put(struct folio *folio)
{
	folio_put(folio);
}

void *blockyard_folio_address(const struct folio *folio)
{
	return folio_address(folio);
}

loff_t blockyard_folio_pos(const struct folio *folio)
{
	return folio_pos(folio);
}

size_t blockyard_folio_size(const struct folio *folio)
{
	return folio_size(folio);
}

bool blockyard_folio_test_checked(const struct folio *folio)
{
	return folio_test_checked(folio);
}

bool blockyard_folio_test_uptodate(const struct folio *folio)
{
	return folio_test_uptodate(folio);
}

void blockyard_folio_set_checked(struct folio *folio)
{
	folio_set_checked(folio);
}

void blockyard_folio_zero_segment(struct folio *folio, size_t start, size_t end)
{
	folio_zero_segment(folio, start, end);
}

bool blockyard_want_init_on_alloc(void)
{
	return want_init_on_alloc(0);
}

struct inode *blockyard_folio_inode(const struct folio *folio)
{
	return folio->mapping->host;
}

struct kmem_cache *blockyard_inode_cache_create(const char *name,
						unsigned int size,
						unsigned int align,
						void (*ctor)(void *))
{
	return kmem_cache_create(name, size, align,
				 SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT, ctor);
}

void blockyard_inode_nohighmem(struct inode *inode)
{
	inode_nohighmem(inode);
}

void blockyard_mapping_set_folio_min_order(struct address_space *mapping,
					   unsigned int min)
{
	mapping_set_folio_min_order(mapping, min);
}

void blockyard_ratelimit_default_init(struct ratelimit_state *state)
{
	ratelimit_default_init(state);
}

/*
 * Under the lock that readahead needs, which keeps others from taking the pages away. Who does so
 * now is not waited for: readahead can be left out, and no order of that lock and ours matters.
 */
void blockyard_readahead_unbounded(struct address_space *mapping, pgoff_t index,
				   unsigned long nr_to_read)
{
	DEFINE_READAHEAD(ractl, NULL, NULL, mapping, index);

	if (!filemap_invalidate_trylock_shared(mapping))
		return;
	page_cache_ra_unbounded(&ractl, nr_to_read, 0);
	filemap_invalidate_unlock_shared(mapping);
}

const struct cred *blockyard_override_creds(const struct cred *creds)
{
	return override_creds(creds);
}

void blockyard_revert_creds(const struct cred *creds)
{
	revert_creds(creds);
}

struct folio *blockyard_readahead_folio(struct readahead_control *ractl)
{
	return readahead_folio(ractl);
}

size_t blockyard_readahead_length(const struct readahead_control *ractl)
{
	return readahead_length(ractl);
}

void blockyard_seq_show_option(struct seq_file *m, const char *name,
			       const char *value)
{
	seq_show_option(m, name, value);
}

void blockyard_super_set_sysfs_name_generic(struct super_block *sb,
					    const char *name)
{
	super_set_sysfs_name_generic(sb, "%s", name);
}

void blockyard_super_set_uuid(struct super_block *sb, const u8 *uuid,
			      unsigned int len)
{
	super_set_uuid(sb, uuid, len);
}
