"""The worker and its doorbell, with a real Redis and the real arq."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from arq.worker import Worker, create_worker
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatsvc import worker
from chatsvc.config import SettingsError
from chatsvc.db.engine import Database
from chatsvc.db.uow import Bell
from chatsvc.keyspace import doorbell, keys
from chatsvc.keyspace.doorbell import Doorbell
from chatsvc.keyspace.redis import connect
from chatsvc.notifications.mailer import Mail
from chatsvc.notifications.mailer_memory import MemoryMailer
from chatsvc.notifications.sender import OutboxSender
from tests import requirements_plugin, stores
from tests.chatsvc.notifications.post import PostOffice

pytestmark = [
    pytest.mark.redis,
    # arq closes its connections by a name that redis-py calls deprecated.
    pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning"),
]

# Far below the rounds' five seconds, far above what a doorbell takes: what comes in this time came by the doorbell.
BY_DOORBELL_S = 3.0 * float(os.environ.get("HOLDLINE_TEST_PATIENCE", "1"))


class ArrivalMailer(MemoryMailer):
    """Tells when a mail has arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = asyncio.Event()

    async def send(self, mail: Mail) -> None:
        await super().send(mail)
        self.arrived.set()


@dataclass
class Services:
    """As the worker needs them."""

    sender: OutboxSender
    sweeps: Sequence[Callable[[], Awaitable[object]]] = ()
    # Set by the first round's last duty.
    rounds: asyncio.Event = field(default_factory=asyncio.Event)
    is_closed: bool = False

    async def close(self) -> None:
        self.is_closed = True


@asynccontextmanager
async def running(redis_url: str, services: Services) -> AsyncIterator[Worker]:
    """A worker of this process, after its first round."""

    async def went_round() -> None:
        services.rounds.set()

    async def open_services() -> Services:
        return services

    services.sweeps = (*services.sweeps, went_round)
    arq = create_worker(type("Settings", (), worker.options(redis_url, open_services)), handle_signals=False)
    task = asyncio.create_task(arq.async_run())
    await asyncio.wait_for(services.rounds.wait(), BY_DOORBELL_S)
    try:
        yield arq
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*arq.tasks.values())
        try:
            await arq.close()
        except (RedisError, OSError):  # Redis is gone; the process would end here
            arq.ctx["rounds"].cancel()
            await arq.pool.aclose()


@pytest.fixture
async def client(redis_address: str) -> AsyncIterator[Redis]:
    """A client of the private Redis."""
    client = connect(redis_address)
    yield client
    await client.aclose()


async def test_mail_goes_out_when_the_doorbell_rings(database: Database, redis_address: str, client: Redis) -> None:
    post, mailer, bell = PostOffice(database), ArrivalMailer(), Doorbell(client)

    def publish(bells: Sequence[Bell]) -> None:
        if any(each.topic == "outbox" for each in bells):
            bell.ring()

    database.publish = publish

    services = Services(post.sender(mailer))

    async with running(redis_address, services):
        await post.anna()
        await asyncio.wait_for(mailer.arrived.wait(), BY_DOORBELL_S)

    assert [mail.to_address for mail in mailer.sent] == ["anna@acme.example"]
    assert services.is_closed
    await bell.close()


async def test_what_no_doorbell_told_is_found_by_a_round(database: Database, redis_address: str) -> None:
    post, mailer = PostOffice(database), ArrivalMailer()
    await post.anna()

    async with running(redis_address, Services(post.sender(mailer))):
        assert len(mailer.sent) == 1


async def test_failing_duty_keeps_no_other_from_being_done(database: Database) -> None:
    post, mailer, done = PostOffice(database), MemoryMailer(), []

    async def fails() -> None:
        raise RuntimeError

    async def deadlines() -> None:
        done.append("deadlines")

    await post.anna()

    await worker.go_round({"services": Services(post.sender(mailer), (fails, deadlines))})

    assert (len(mailer.sent), done) == (1, ["deadlines"])


async def test_job_empties_the_whole_outbox(database: Database) -> None:
    post, mailer = PostOffice(database), MemoryMailer()
    anna = await post.anna()
    for number in range(10):
        await post.record("mail.ticket_confirmation", anna, cause=str(number), number=number)

    await worker.sweep_outbox({"services": Services(post.sender(mailer))})

    assert len(mailer.sent) == 11


# --- the doorbell -----------------------------------------------------------------------------------------------------


async def test_many_rings_are_few_jobs(client: Redis) -> None:
    bell = Doorbell(client)

    for _ in range(1_000):
        bell.ring()
    await bell.close()

    assert 1 <= await client.zcard(keys.jobs()) <= 2


async def test_nobody_listening_fills_nothing(client: Redis) -> None:
    for _ in range(50):
        await doorbell.ring_worker(client)

    assert await client.zcard(keys.jobs()) == 16
    jobs = await client.keys("arq:job:*")
    assert all([0 < await client.ttl(job) <= 60 for job in jobs])


async def test_job_is_json(client: Redis) -> None:
    await doorbell.ring_worker(client)

    [key] = await client.keys("arq:job:*")
    job = doorbell.read_job(await client.get(key))
    assert (job["f"], job["a"], job["k"]) == ("sweep_outbox", [], {})


async def test_ringing_without_redis_neither_waits_nor_fails() -> None:
    client = connect("unix:///nowhere/redis.sock")
    bell = Doorbell(client)

    bell.ring()
    await bell.close()

    with pytest.raises((RedisError, OSError)):
        await doorbell.ring_worker(client)
    await client.aclose()


async def test_everything_works_for_a_user_who_may_not_run_scripts(
    database: Database, redis_address: str, client: Redis
) -> None:
    rights = ["+@all", "-@dangerous", "-eval", "+info", "+client", "+keys"]
    await client.execute_command("ACL", "SETUSER", "desk", "reset", "on", ">secret", "~*", "&*", *rights)
    address = redis_address.replace("unix://", "unix://desk:secret@")
    post, mailer, restricted = PostOffice(database), ArrivalMailer(), connect(address)

    async with running(address, Services(post.sender(mailer))):
        await post.anna()
        await doorbell.ring_worker(restricted)
        await asyncio.wait_for(mailer.arrived.wait(), BY_DOORBELL_S)

    await restricted.aclose()
    await client.execute_command("ACL", "DELUSER", "desk")


@pytest.mark.faults
async def test_worker_ends_when_redis_goes_away(database: Database) -> None:
    post = PostOffice(database)

    with stores.running_redis(requirements_plugin.need_redis()) as address:
        async with running(address, Services(post.sender(MemoryMailer()))) as arq:
            killer = connect(address)
            with pytest.raises((RedisError, OSError)):
                await killer.execute_command("SHUTDOWN", "NOSAVE")
            await killer.aclose()
            assert arq.main_task is not None
            with pytest.raises((RedisError, OSError)):
                await asyncio.wait_for(arq.main_task, 30)


# --- the settings that arq gets ---------------------------------------------------------------------------------------


def _opened() -> Any:
    raise AssertionError("nothing may be opened")


def test_no_default_that_hurts_is_left() -> None:
    options = worker.options("redis://127.0.0.1:6379/0", _opened)

    assert options["poll_delay"] == 0.05
    assert options["keep_result"] == 0
    assert options["job_timeout"] <= 30
    assert options["max_tries"] == 2
    assert options["timezone"] is UTC
    assert options["health_check_interval"] <= 30
    assert options["job_serializer"]({"a": 1}) == b'{"a":1}'
    assert set(options) <= set(Worker.__init__.__annotations__)
    assert timedelta(seconds=5) == worker.ROUND_EVERY


@pytest.mark.parametrize("leads_a_session", [True, False])
def test_who_gives_way_stands_back_in_a_session_of_its_own(leads_a_session: bool) -> None:
    group = "/proc/self/autogroup"  # where Linux groups processes by session
    code = (
        "import os; from chatsvc.giving_way import give_way; before = os.getpriority(os.PRIO_PROCESS, 0); give_way(7); "
        "print(os.getpriority(os.PRIO_PROCESS, 0) - before, os.getsid(0) == os.getpid(), "
        f"open({group!r}).read().split()[-1] if os.path.exists({group!r}) else 7)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, start_new_session=leads_a_session
    )

    assert done.stdout == "7 True 7\n"


def test_importing_reads_no_setting_and_asking_for_settings_does(tmp_path: Path) -> None:
    environ = {**os.environ, "HOLDLINE_REDIS_URL": "nonsense", "HOLDLINE_DATA_DIR": str(tmp_path)}
    code = "import chatsvc.worker; print('imported'); chatsvc.worker.Settings"

    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)

    assert done.stdout == "imported\n"
    assert "HOLDLINE_REDIS_URL" in done.stderr


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    settings = worker.settings_from(
        {"HOLDLINE_DATA_DIR": str(tmp_path), "HOLDLINE_REDIS_URL": "unix:///run/holdline/redis.sock"}
    )

    assert vars(settings)["redis_settings"].unix_socket_path == "/run/holdline/redis.sock"
    with pytest.raises(SettingsError):
        worker.settings_from({"HOLDLINE_REDIS_URL": "nonsense"})
    with pytest.raises(AttributeError):
        _ = worker.Nothing
