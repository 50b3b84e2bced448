"""Named points at which a test may kill the process, so that a crash falls exactly where it hurts most.

Off unless ``arm`` is called, which only the ``fail_points`` setting does; then ``hit`` costs one comparison.
"""

import os
import signal

_armed: dict[str, int] = {}


def arm(points: str) -> None:
    """Arm points written as ``name=count,name=count``: the process dies at that point's count-th passing."""
    for point in filter(None, points.split(",")):
        name, _, count = point.partition("=")
        _armed[name.strip()] = int(count or 1)


def hit(name: str) -> None:
    """Pass a point; die there without any clean-up if it is armed and its count is reached."""
    if not _armed or name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
