"""Lets a process go behind everything else of the machine: for work that nobody waits for, beside people who talk.

It deliberately measures nothing and waits for nothing: the kernel shares the processors out.
"""

import contextlib
import os
from pathlib import Path


def give_way(niceness: int) -> None:
    """Lower this process's share of the processors, where it can be lowered.

    Of 0 to 19 the last is the lowest: beside one busy process of niceness 0, one of 5 still has a quarter of a core, one of 10 a tenth.

    A niceness counts among the processes of a session only where Linux groups them by session, as it does unless told otherwise. So this
    one begins a session of its own, unless it leads one already, and lowers that one's share too.
    """
    os.nice(niceness)
    with contextlib.suppress(OSError):
        if os.getsid(0) != os.getpid():
            os.setsid()
        Path("/proc/self/autogroup").write_text(str(niceness))


def stay_on_one_processor() -> None:
    """Keep all of this process's threads on one of the processors it may use, where that can be said.

    A process whose threads wake each other wanders over all processors, and wherever it wakes, somebody who talks has just begun to wait.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
