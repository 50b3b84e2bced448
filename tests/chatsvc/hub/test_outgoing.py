"""The queue of a connection is bounded; weather gives way, pictures replace each other, everything else must arrive."""

from chatsvc.hub.outgoing import Outgoing, Put


def everything(queue: Outgoing) -> list[bytes]:
    frames = []
    while (frame := queue.pop()) is not None:
        frames.append(frame)
    return frames


def test_frames_leave_in_the_order_of_coming() -> None:
    queue = Outgoing(100)
    queue.put(b"one")
    queue.put_latest("typing", b"two", weather=True)
    queue.put(b"three")

    assert everything(queue) == [b"one", b"two", b"three"]
    assert queue.waiting_bytes == 0


def test_newer_picture_takes_the_place_of_the_one_that_waits() -> None:
    queue = Outgoing(100)
    queue.put_latest("desk", b"old", weather=False)
    queue.put(b"entry")
    queue.put_latest("desk", b"newer", weather=False)

    assert queue.waiting_bytes == len(b"entry" + b"newer")
    assert everything(queue) == [b"newer", b"entry"]


def test_picture_that_has_left_is_not_replaced() -> None:
    queue = Outgoing(100)
    queue.put_latest("desk", b"old", weather=False)
    queue.pop()
    queue.put_latest("desk", b"new", weather=False)

    assert everything(queue) == [b"new"]


def test_without_room_weather_is_dropped_and_anything_else_overflows() -> None:
    queue = Outgoing(10)
    queue.put(b"123456789")

    assert queue.put_latest("typing", b"ab", weather=True) is Put.DROPPED
    assert queue.put_latest("desk", b"ab", weather=False) is Put.OVERFLOWED
    assert queue.put(b"ab") is Put.OVERFLOWED
    assert everything(queue) == [b"123456789"]


def test_replacing_counts_only_what_it_adds() -> None:
    queue = Outgoing(10)
    queue.put_latest("desk", b"123456789", weather=False)

    assert queue.put_latest("desk", b"1234567890", weather=False) is Put.QUEUED
    assert queue.put_latest("desk", b"12345678901", weather=False) is Put.OVERFLOWED


def test_everything_leaves_at_once_in_the_order_of_coming_and_makes_room() -> None:
    queue = Outgoing(10)
    queue.put(b"entry")
    queue.put_latest("desk", b"old", weather=False)

    assert queue.pop_all() == [b"entry", b"old"]
    assert queue.put_latest("desk", b"newer", weather=False) is Put.QUEUED
    assert queue.put(b"three") is Put.QUEUED
    assert queue.pop_all() == [b"newer", b"three"]
    assert queue.pop_all() == []
    assert queue.waiting_bytes == 0
