// SPDX-License-Identifier: GPL-2.0
/*
 * Bugs on purpose, each of a kind that one of the debug kernel's sanitizers reports. Loading the
 * module with bug=NAME has it: a sanitizer that says nothing then would not have spoken elsewhere.
 */

#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *bug = "";
module_param(bug, charp, 0);
MODULE_PARM_DESC(bug, "Name of the bug to have");

/* in_rust.rs */
void rust_out_of_bounds(void);
void rust_use_after_free(void);
void rust_lock_order(void);
void rust_sleep_in_atomic(void);
void rust_write_unlocked(void);
void rust_forgotten_allocation(void);

static noinline void use_after_free(void)
{
	char *byte = kmalloc(64, GFP_KERNEL);

	kfree(byte);
	WRITE_ONCE(*byte, 1);
}

static noinline void shift_out_of_bounds(void)
{
	int bits = 32, value = 1;

	OPTIMIZER_HIDE_VAR(bits);
	value <<= bits;
	OPTIMIZER_HIDE_VAR(value);
}

static noinline void list_corruption(void)
{
	LIST_HEAD(list);
	LIST_HEAD(entry);

	list_add(&entry, &list);
	list_add(&entry, &list);
}

static void nothing(struct timer_list *timer)
{
}

static noinline void active_timer_freed(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, nothing, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static int write_unlocked(void *unused)
{
	rust_write_unlocked();
	return 0;
}

static noinline void rust_data_race(void)
{
	struct task_struct *other = kthread_create(write_unlocked, NULL, "write_unlocked");

	if (IS_ERR(other))
		return;
	get_task_struct(other);
	wake_up_process(other);
	rust_write_unlocked();
	kthread_stop_put(other);
}

static noinline void forgotten_allocation(void)
{
	char *byte = kmalloc(64, GFP_KERNEL);

	if (byte)
		WRITE_ONCE(*byte, 1);
}

static noinline void forgotten_allocations(void)
{
	forgotten_allocation();
	rust_forgotten_allocation();
}

static const struct {
	const char *name;
	void (*have)(void);
} bugs[] = {
	{ "use_after_free", use_after_free },
	{ "shift_out_of_bounds", shift_out_of_bounds },
	{ "list_corruption", list_corruption },
	{ "active_timer_freed", active_timer_freed },
	{ "forgotten_allocations", forgotten_allocations },
	{ "rust_out_of_bounds", rust_out_of_bounds },
	{ "rust_use_after_free", rust_use_after_free },
	{ "rust_lock_order", rust_lock_order },
	{ "rust_sleep_in_atomic", rust_sleep_in_atomic },
	{ "rust_data_race", rust_data_race },
};

static int __init deliberate_bugs_init(void)
{
	for (int i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (!strcmp(bug, bugs[i].name)) {
			bugs[i].have();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit deliberate_bugs_exit(void)
{
}

module_init(deliberate_bugs_init);
module_exit(deliberate_bugs_exit);
MODULE_AUTHOR("Blockyard");
MODULE_DESCRIPTION("Bugs that sanitizers must find");
MODULE_LICENSE("GPL");
