# SPDX-License-Identifier: GPL-2.0
"""Runs a command and prints what it took: milliseconds of wall-clock time, milliseconds of
processors, and the most bytes that it had resident at a time.
"""

import os
import sys
import time

start = time.perf_counter_ns()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
end = time.perf_counter_ns()
code = os.waitstatus_to_exitcode(status)
if code != 0:
    sys.exit(f"{' '.join(sys.argv[1:])}: ended with {code}")
print((end - start) / 1e6, (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss * 1024)
