#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs a command; prints its exit status, and the most memory that it had, in KiB.

usage: peak_memory.py COMMAND [ARGUMENT]...
"""

import resource
import subprocess
import sys

run = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(run.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
