"""Real stores for tests: a private PostgreSQL cluster, a private Redis, and migrated databases copied from a template."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg

from chatsvc.db import migrate

SHOWS_UP_WITHIN_S = 30 * float(os.environ.get("HOLDLINE_TEST_PATIENCE", "1"))


def postgres_programs() -> Path | None:
    """Return the folder with ``initdb`` and ``postgres``, newest version first; None when PostgreSQL is not installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders += [Path(on_path).parent] if on_path else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A running PostgreSQL cluster of its own, with one migrated template database."""

    def __init__(self, address: str, programs: Path, data: Path, user: str | None) -> None:
        # ``postgresql://holdline@127.0.0.1:port``, without a database.
        self.address = address
        self.programs = programs
        self.data = data
        self.user = user
        # Empty databases that tests have given back.
        self._given_back: list[str] = []

    def statement(self, text: str) -> None:
        """Run one administrative statement."""

        async def run() -> None:
            connection = await asyncpg.connect(f"{self.address}/postgres")
            try:
                await connection.execute(text)
            finally:
                await connection.close()

        asyncio.run(run())

    async def create(self) -> str:
        """Return the address of a migrated, empty database: one that was given back, else a new one."""
        if self._given_back:
            return self._given_back.pop()
        name = f"t{uuid4().hex}"
        connection = await asyncpg.connect(f"{self.address}/postgres")
        try:
            await connection.execute(f"create database {name} template migrated strategy file_copy")
        finally:
            await connection.close()
        return f"{self.address}/{name}"

    async def drop(self, address: str) -> None:
        """Empty a database made by ``create`` and keep it for the next test, which costs far less than making another."""
        connection = await asyncpg.connect(address)
        try:
            await connection.execute(_EMPTY)
        finally:
            await connection.close()
        self._given_back.append(address)


# Whoever still holds a connection loses it; then every table but the record of migrations is emptied, whatever points where.
_EMPTY = """
select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid();
set session_replication_role = replica;
do $$
declare name text;
begin
    for name in select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' loop
        execute format('delete from %I', name);
    end loop;
    for name in select sequencename from pg_sequences where schemaname = 'public' loop
        execute format('alter sequence %I restart', name);
    end loop;
end $$;
"""


@contextmanager
def running_cluster(programs: Path, *, durable: bool = False) -> Iterator[Cluster]:
    """Start a private cluster on a free loopback port, and remove it at the end.

    ``durable`` keeps ``fsync`` on, for tests that kill the server; elsewhere it only costs time.
    """
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="holdline-pg-"))
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data, port = folder / "data", free_port()

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    try:
        run(programs / "initdb", "-D", data, "-A", "trust", "-U", "holdline", "-E", "UTF8", "--no-locale", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c max_connections=200"
        options += "" if durable else " -c fsync=off"
        run(programs / "pg_ctl", "-D", data, "-l", folder / "log", "-o", options, "-w", "start")
        cluster = Cluster(f"postgresql://holdline@127.0.0.1:{port}", programs, data, user)
        cluster.statement("create database migrated")
        asyncio.run(migrate.upgrade(f"{cluster.address}/migrated"))
        yield cluster
    finally:
        if (data / "postmaster.pid").exists():
            run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_redis(program: str) -> Iterator[str]:
    """Start a private Redis on a Unix socket; yield its address (``unix://…``)."""
    folder = Path(tempfile.mkdtemp(prefix="holdline-redis-"))
    path = folder / "s"
    server = subprocess.Popen(
        [program, "--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_ping(path)
        yield f"unix://{path}"
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_ping(path: Path) -> None:
    """Wait until a Redis answers on its socket; the file alone says nothing."""
    deadline = time.monotonic() + SHOWS_UP_WITHIN_S
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(path))
                line.sendall(b"PING\r\n")
                if line.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("the private Redis did not answer")
        time.sleep(0.01)
