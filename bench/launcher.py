"""Runs a program from a small process: ``python -I -S launcher.py RESULT PROGRAM ARGUMENTS...``.

RESULT gets the exit code, the processor seconds and the peak of the memory in KiB. Linux counts the memory of the
process that starts another one as the other's too, so a large parent would hide what a small program needs.
"""

import os
import sys

if __name__ == "__main__":
    child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
    _, status, usage = os.wait4(child, 0)
    with open(sys.argv[1], "w", encoding="ascii") as result:  # noqa: PTH123 - pathlib takes memory
        result.write(f"{os.waitstatus_to_exitcode(status)} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}")
