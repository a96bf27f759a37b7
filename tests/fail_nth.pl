# SPDX-License-Identifier: GPL-2.0
# Makes the first allocation of a call fail, then the second, and so on, until the call has no
# more. For use in a guest of the debug kernel, by scripts in Perl that begin with this file.
#
# sweep(NAME, call => sub, [below => CODE, [but => CODE]], [before => sub], [undo => sub]): `call`
# returns 0 or an errno; `before` comes before each call, `undo` after each that succeeded.
# Allocations below CODE fail, the functions of a module or a function of the kernel, but not those
# below the other CODE. Without CODE requests fail instead, to disks whose `make-it-fail` is 1. A
# call that was disturbed must give ENOMEM, EIO or ENOSPC, or succeed; after one that failed, the
# next one, undisturbed, must succeed. Prints how many there were.

my $FAULTS = '/sys/kernel/debug';
my ($EIO, $ENOMEM, $ENOSPC) = (5, 12, 28);

sub put {
    my ($file, $value) = @_;
    open my $out, '>', $file or die "$file: $!\n";
    syswrite($out, $value) or die "$file: $!\n";
}

sub get {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    return join '', <$in>;
}

# errno(RESULT): 0 where a system call succeeded, or a function that gives nothing if it did not
sub errno { my ($result) = @_; return !defined $result || $result eq '' || $result == -1 ? $! + 0 : 0; }

chomp(my $release = get('/proc/sys/kernel/osrelease'));

# load(MODULE, PARAMETERS), unload(MODULE): as insmod and rmmod. By init_module(2): with
# finit_module(2) the kernel complains of the memory for the file, if that fails.
my %module;
sub load {
    my ($module, $parameters) = @_;
    $module{$module} ||= get("/lib/modules/$release/$module.ko");
    return errno(syscall(175, $module{$module}, length $module{$module}, $parameters));
}
sub unload {
    my ($module) = @_;
    errno(syscall(176, $module, 0)) and die "cannot unload $module: $!\n";
}

for my $fault ('failslab', 'fail_page_alloc') {
    # Allocations that may wait are nearly all there are; those of user pages are not ours.
    put("$FAULTS/$fault/ignore-gfp-wait", 'N');
    put("$FAULTS/$fault/verbose", 0);
    put("$FAULTS/$fault/stacktrace-depth", 64);
}
put("$FAULTS/fail_page_alloc/ignore-gfp-highmem", 'N');
put("$FAULTS/fail_page_alloc/min-order", 0);
put("$FAULTS/fail_make_request/verbose", 0);
# Nothing else runs that a quick grace period could disturb.
put('/sys/kernel/rcu_expedited', 1);

# code(NAME): where the functions of that module are, or where that function of the kernel is
my $symbols;
sub code {
    my ($name) = @_;
    if (get('/proc/modules') =~ /^$name (\d+) .* 0x([0-9a-f]+)/m) {
        return (hex $2, hex($2) + $1);
    }
    $symbols ||= get('/proc/kallsyms');
    my $at = index $symbols, " $name\n";
    die "no code of $name\n" if $at < 0;
    my $line = 1 + rindex $symbols, "\n", $at;
    my $next = 1 + index $symbols, "\n", $at;
    return map { hex substr $symbols, $_, 16 } $line, $next;
}

# only(CODE, BUT): counts allocations below CODE that are not below BUT; none without CODE
sub only {
    my ($code, $but) = @_;
    my @range = $code ? code($code) : (1, 2);
    push @range, $but ? code($but) : (0, 0);
    for my $fault ('failslab', 'fail_page_alloc') {
        my @files = ('require-start', 'require-end', 'reject-start', 'reject-end');
        put("$FAULTS/$fault/$files[$_]", sprintf '0x%x', $range[$_]) for 0 .. 3;
    }
}

# The calling thread's counter. It cannot be read twice from one open file: it does not seek.
my $NTH = '/proc/thread-self/fail-nth';

# disturbed(N, CALL): what the call gives where its N-th chance to fail is taken; and whether it had
# as many
sub disturbed {
    my ($n, $call) = @_;
    put($NTH, $n);
    my $errno = $call->();
    my $left = get($NTH);
    put($NTH, 0);
    return ($errno, $left == 0);
}

$| = 1;

sub sweep {
    my ($name, %options) = @_;
    my ($call, $nothing) = ($options{call}, sub { });
    my ($before, $undo) = ($options{before} || $nothing, $options{undo} || $nothing);
    my ($failed, $start) = (0, time);
    only($options{below}, $options{but});
    for (my $n = 1;; $n++) {
        $before->();
        my ($errno, $hit) = disturbed($n, $call);
        local $! = $errno;
        die "$name: failure $n, and then the call: $!\n"
            if $errno && $errno != $ENOMEM && $errno != $EIO && $errno != $ENOSPC;
        die "$name: failed undisturbed: $!\n" if $errno && !$hit;
        $undo->() if !$errno;
        if (!$hit) {
            print "$name: ", $n - 1, " failures, $failed of the call, ", time - $start, " s\n";
            return;
        }
        next if !$errno;
        $failed++;
        $before->();
        $errno = $call->();
        local $! = $errno;
        die "$name: the call after failure $n: $!\n" if $errno;
        $undo->();
    }
}
