# SPDX-License-Identifier: GPL-2.0
# The commands for people. (`make -C KDIR M=$PWD` reads Kbuild, not this file.)

KREL_INSTALL = $(or $(KREL),$(shell uname -r))
MODULES := block/rnull/rnull.ko fs/tarfs/tarfs.ko $(if $(NULL_BLK),block/rnull/null_blk.ko)
TARGET := $(or $(CARGO_TARGET_DIR),target)
TOOLS := mkfs fsck dump
LAB := cargo run --release --package lab --

.PHONY: help modules tools man documents demo test test-debug test-debug-core test-kcsan fuzz bench \
	profile blktests xfstests shell modules_install clean distclean

help:
	@echo 'make modules          build rnull.ko and tarfs.ko for the stock kernel, and with'
	@echo '                      NULL_BLK=1 null_blk.ko: rnull by the name of the C driver'
	@echo 'make tools            build the three tools of tarfs, and rnullctl'
	@echo 'make man              write manual pages and completions to target/share'
	@echo 'make documents        write the documents that are made of the sources'
	@echo 'make demo             show both at work in a guest [TAR=any.tar]'
	@echo 'make test             run every test and check'
	@echo 'make test-debug       the tests in guests, on a kernel with sanitizers that is built'
	@echo '                      first; test-debug-core: its own tests;'
	@echo '                      test-kcsan: those of rnull, on one that finds data races'
	@echo 'make fuzz             feed the readers of archives, images and settings anything'
	@echo '                      [SECONDS=60 each] [TARGETS=…]'
	@echo 'make bench            measure against C and EROFS [BENCH=name] [QUICK=1]'
	@echo '                      [JSON=file] [HTML=file] [COMPARE=old.json]'
	@echo 'make profile          show where the instructions of a benchmark go: BENCH=name'
	@echo 'make blktests         compare ours with C null_blk by a checkout of blktests,'
	@echo '                      BLKTESTS=folder [TESTS="block/014 zbd"] [DRIVER=c|rnull]'
	@echo 'make xfstests         the same by XFSTESTS=folder [TESTS="quick generic/001"],'
	@echo '                      FS=ext4|xfs|btrfs|zoned-btrfs|tarfs|overlay-on-tarfs'
	@echo 'make shell            a guest with both modules, and its shell'
	@echo 'make modules_install  install the modules for the running kernel (as root)'
	@echo 'make clean            remove what was built here; distclean: the cache too'
	@echo
	@echo 'KREL=RELEASE takes another stock kernel than the newest cloud kernel,'
	@echo 'KDIR=FOLDER a kernel tree of your own that was built with CONFIG_RUST=y.'

modules:
	$(LAB) modules $(if $(NULL_BLK),--null-blk)

tools:
	cargo build --release --package tarfs-tools --package rnullctl
	for tool in $(TOOLS); do ln -sf $$tool-tarfs $(TARGET)/release/$$tool.tarfs; done

man: tools
	for tool in $(TOOLS); do $(TARGET)/release/$$tool.tarfs --generate $(TARGET)/share; done

documents:
	$(LAB) documents

demo: tools
	$(LAB) demo $(if $(TAR),--tar '$(TAR)')

bench: tools
	$(LAB) bench $(BENCH) $(if $(QUICK),--quick) $(if $(JSON),--json '$(JSON)') \
		$(if $(HTML),--html '$(HTML)') $(if $(COMPARE),--compare '$(COMPARE)')

profile: tools
	$(LAB) profile $(BENCH) $(if $(MEASURE),--measure '$(MEASURE)')

blktests:
	$(LAB) blktests --checkout '$(BLKTESTS)' $(if $(DRIVER),--driver $(DRIVER)) $(TESTS)

# tarfs is checked with its own fsck.
xfstests: tools
	$(LAB) xfstests --checkout '$(XFSTESTS)' $(if $(FS),--fs $(FS)) \
		$(if $(DRIVER),--driver $(DRIVER)) $(TESTS)

shell:
	$(LAB) shell

# The cheap ones first; cargo's results last. The tests' profile saves another build.
test: LAB := cargo run --package lab --
test:
	$(LAB) check format
	$(LAB) check documents
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-Dwarnings -Arustdoc::private_intra_doc_links' \
		cargo doc --workspace --no-deps --document-private-items
	$(LAB) modules
	$(LAB) check kernel
	cargo test --workspace --no-fail-fast

fuzz:
	tests/fuzz/run $(or $(SECONDS),60) $(TARGETS)

# See Documentation/sanitizers.rst.
DEBUG_TEST = BLOCKYARD_DEBUG=1 cargo test --package tests --features debug-kernel --no-fail-fast
DEBUG_CORE := debug_detectors debug_rnull debug_tarfs

test-debug:
	$(DEBUG_TEST)

test-debug-core:
	$(DEBUG_TEST) $(addprefix --test ,$(DEBUG_CORE))

KCSAN_TESTS := debug_kcsan rnull rnull_data rnull_io rnull_statistics rnull_stress

test-kcsan:
	BLOCKYARD_DEBUG=kcsan cargo test --package tests --features kcsan-kernel --no-fail-fast \
		$(addprefix --test ,$(KCSAN_TESTS)) -- --test-threads 1 --skip leave_nothing

modules_install:
	@command -v depmod >/dev/null || { echo 'there is no depmod: install kmod' >&2; exit 1; }
	@for module in $(MODULES); do \
		release=$$(grep -ao 'vermagic=[^ ]*' $$module | cut -d = -f 2); \
		test "$$release" = "$(KREL_INSTALL)" || { \
			echo "$$module is for $${release:-no kernel}, not for $(KREL_INSTALL):" \
				"run make modules KREL=$(KREL_INSTALL) first, as yourself" >&2; exit 1; }; \
	done
	install -D -m 644 -t $(DESTDIR)/lib/modules/$(KREL_INSTALL)/updates $(MODULES)
	depmod $(addprefix -b ,$(DESTDIR)) $(KREL_INSTALL)

clean:
	rm -rf target
	find Kbuild block fs rust samples tests/deliberate_bugs \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
		-o -name '.*.cmd' -o -name '*.rmeta' -o -name '*_generated.rs' -o -name '*.d' -o -name modules.order \
		-o -name Module.symvers \) -delete
	rm -f .Module.symvers.cmd .modules.order.cmd modules.order Module.symvers

distclean: clean
	$(LAB) clean
