// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's software emulation: counts how often each block of instructions runs, and at
 * the end writes lines "ADDRESS INSTRUCTIONS RUNS" to the file of its argument "out=FILE".
 *
 * For guests of one CPU. Debian packages QEMU without qemu-plugin.h, so what is used of its
 * interface (version 4, QEMU 9.2 and later) is declared here, as QEMU's documentation has it.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
		void (*callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *block));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
		void (*callback)(unsigned int cpu, void *data),
		enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
		void (*callback)(qemu_plugin_id_t id, void *data), void *data);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 4;

/* A block is translated again when it was thrown away; its count goes on. */
struct count {
	uint64_t address;
	size_t instructions;
	uint64_t runs;
	struct count *next;
};

#define BUCKETS (1 << 16)
static struct count *counts[BUCKETS];
static const char *out;

static void run(unsigned int cpu, void *data)
{
	struct count *count = data;

	count->runs++;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	uint64_t address = qemu_plugin_tb_vaddr(block);
	size_t instructions = qemu_plugin_tb_n_insns(block);
	/* Fibonacci hashing: the top 16 bits choose the bucket. */
	struct count **bucket = &counts[(address * 0x9e3779b97f4a7c15) >> 48];
	struct count *count;

	for (count = *bucket; count; count = count->next)
		if (count->address == address && count->instructions == instructions)
			break;
	if (!count) {
		count = calloc(1, sizeof(*count));
		if (!count)
			abort();
		count->address = address;
		count->instructions = instructions;
		count->next = *bucket;
		*bucket = count;
	}
	qemu_plugin_register_vcpu_tb_exec_cb(block, run, QEMU_PLUGIN_CB_NO_REGS, count);
}

static void finish(qemu_plugin_id_t id, void *data)
{
	FILE *file = fopen(out, "w");

	if (!file)
		return;
	for (size_t bucket = 0; bucket < BUCKETS; bucket++)
		for (struct count *count = counts[bucket]; count; count = count->next)
			fprintf(file, "%" PRIx64 " %zu %" PRIu64 "\n", count->address,
				count->instructions, count->runs);
	fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
			       int argc, char **argv)
{
	for (int argument = 0; argument < argc; argument++)
		if (!strncmp(argv[argument], "out=", 4))
			out = strdup(argv[argument] + 4);
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
