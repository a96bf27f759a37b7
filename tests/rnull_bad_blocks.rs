// SPDX-License-Identifier: GPL-2.0
//! rnull's bad sectors are those of the C driver.

use lab::Lab;
use tests::null_block::{run, same, start, RNULL};

#[test]
fn bad_sectors_fail_requests_like_c() {
    let lab = Lab::locate().unwrap();
    // Busybox's dd falls back to the page cache where direct I/O is refused.
    let mut guest = start(&lab, &["dd", "blkdiscard"]);
    let printed = same(
        &mut guest,
        r#"
        bad() { echo "badblocks '$1': $(put badblocks "$1")"; cat badblocks; }
        # io SEEK COUNT: a read, a write and a discard, in blocks of 512 bytes
        io() {
            echo "read $*: $(dd if=/dev/a of=/dev/null bs=$(($2 * 512)) count=1 \
                iflag=direct,skip_bytes skip=$(($1 * 512)) status=none 2>&1 | sed 's/.*: //')"
            echo "write $*: $(dd if=/tmp/data of=/dev/a bs=$(($2 * 512)) count=1 oflag=direct,seek_bytes \
                seek=$(($1 * 512)) status=none 2>&1 | sed 's/.*: //')"
            echo "discard $*: $(blkdiscard -o $(($1 * 512)) -l $(($2 * 512)) /dev/a 2>&1 | sed 's/.*: //')"
            echo "write again $*: $(dd if=/tmp/data of=/dev/a bs=$(($2 * 512)) count=1 \
                oflag=direct,seek_bytes seek=$(($1 * 512)) status=none 2>&1 | sed 's/.*: //')"
            cat badblocks
        }
        [ -e /tmp/data ] || dd if=/dev/urandom of=/tmp/data bs=64k count=1 status=none
        load nr_devices=0
        # While the disk is off, and what is no range.
        mkdir $root/a
        cd $root/a
        for v in '' 5 + - +5 -5 +1- +-1 +5-4 ++1-2 '+1-2x' '+0x10-020' ' +30-31 ' '+ 40-41' '-16-16' \
                +100-99 +18446744073709551616-5 +5-18446744073709551616 +0-18446744073709551615 \
                +1000-9000 x1-18446744073709551616 -2000-2999 -0-100000 +7-7 -7-7; do
            bad "$v"
        done
        rmdir $root/a
        for once in 0 1; do
            for partial in 0 1; do
                for blocksize in 512 4096; do
                    for way in '0 0' '1 1' '1 2'; do
                        set -- $way
                        echo "once $once partial $partial blocksize $blocksize memory $1 irqmode $2"
                        mkdir $root/a
                        cd $root/a
                        put badblocks_once $once
                        put badblocks_partial_io $partial
                        put blocksize $blocksize
                        put memory_backed $1
                        put discard $1
                        put irqmode $2
                        put size 8
                        put power 1
                        cat badblocks_once badblocks_partial_io
                        bad +20-21
                        io 0 16
                        io 16 16
                        io 8 32
                        bad +64-67
                        bad +70-71
                        io 64 8
                        io 48 48
                        put badblocks_once 0
                        put power 0
                        put power 1
                        cat badblocks
                        io 16 8
                        bad -0-1000
                        [ $1 = 0 ] || dd if=/dev/a bs=512 count=128 status=none | sha256sum
                        cd /
                        rmdir $root/a
                    done
                done
            done
        done
        rmmod $module
        "#,
    );
    assert!(
        printed.contains("write 16 16: Input/output error\n"),
        "{printed}"
    );
    assert!(printed.contains("write again 16 16: \n"), "once is once");
    // C's driver stops the kernel here: it counts the sectors to clear in an `int`, which is 0.
    let printed = run(
        &mut guest,
        &RNULL,
        r#"
        load nr_devices=0
        mkdir $root/a
        cd $root/a
        put badblocks +5-9
        put badblocks +4294967290-4294967305
        put badblocks -0-4294967295
        cat badblocks
        put badblocks -4294967296-18446744073709551615
        cat badblocks
        put badblocks +18014398509481983-18014398509481984
        cat badblocks
        cd /
        rmdir $root/a
        rmmod $module
        "#,
    );
    assert_eq!(printed, "4294967296 10\nInvalid argument\n");
    guest.shutdown().unwrap();
}
