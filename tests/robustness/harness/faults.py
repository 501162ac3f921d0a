"""What can happen to the parts of the stack while it serves: a fault is inflicted, and taken away again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg

from tests.robustness.harness.clocks import Clock
from tests.robustness.harness.disks import Disk
from tests.robustness.harness.migration import add_migration
from tests.robustness.harness.stack import Stack, run_flask
from tests.servers import ROLE

STEP_SECONDS = 600
LASTS_SECONDS = 8.0  # of a fault that stays until it is taken away


@dataclass(frozen=True)
class Bench:
    """What faults need beside the stack."""

    stack: Stack
    media: Disk | None = None
    data: Disk | None = None
    clock: Clock | None = None


@dataclass(frozen=True)
class Fault:
    """``inflict`` runs in a thread while the load goes on, and returns when the fault is over.

    ``needs`` names a part of the bench without which it cannot be.
    """

    name: str
    inflict: Callable[[Bench], None]
    needs: str = ""
    expected: tuple[int, ...] = ()  # statuses that clients may see beside 429 and 503


def restart_postgresql(bench: Bench) -> None:
    bench.stack.postgresql.restart()


def kill_postgresql(bench: Bench) -> None:
    """SIGKILL for the main process; its supervisor starts it again."""
    bench.stack.postgresql.daemon.kill()


def kill_backend(bench: Bench) -> None:
    """SIGKILL for one session: PostgreSQL throws all out and recovers from its log."""
    os.kill(bench.stack.postgresql.backends()[0], signal.SIGKILL)


def kill_redis(bench: Bench) -> None:
    bench.stack.redis.stop(signal.SIGKILL)
    time.sleep(LASTS_SECONDS)
    bench.stack.redis.start()


def kill_worker(bench: Bench) -> None:
    os.kill(bench.stack.workers()[0], signal.SIGKILL)


def kill_gunicorn(bench: Bench) -> None:
    """SIGKILL for the main process; its workers notice, and its supervisor starts it again."""
    bench.stack.gunicorn.kill()


def fill_media(bench: Bench) -> None:
    """No byte left for images and temporary files."""
    assert bench.media is not None
    _fill_for_a_while(bench.media)


def fill_database(bench: Bench) -> None:
    """No byte left for tables and the log."""
    assert bench.data is not None
    _fill_for_a_while(bench.data)


def _fill_for_a_while(disk: Disk) -> None:
    deadline = time.monotonic() + LASTS_SECONDS
    while time.monotonic() < deadline:
        disk.fill()
        time.sleep(0.2)
    disk.free()


def step_clock(bench: Bench) -> None:
    """Ten minutes ahead, ten minutes behind, and right again."""
    assert bench.clock is not None
    for seconds in (STEP_SECONDS, -STEP_SECONDS, 0):
        bench.clock.step(seconds)
        time.sleep(LASTS_SECONDS / 2)


def cut_network(bench: Bench) -> None:
    """Packets to and from the database vanish."""
    assert bench.stack.network is not None
    bench.stack.network.cut()
    time.sleep(LASTS_SECONDS)
    bench.stack.network.heal()


def slow_network(bench: Bench) -> None:
    assert bench.stack.network is not None
    bench.stack.network.slow()
    time.sleep(LASTS_SECONDS)
    bench.stack.network.heal()


def exhaust_connections(bench: Bench) -> None:
    """Somebody else takes every connection that PostgreSQL has, and the application's are ended."""
    postgresql = bench.stack.postgresql
    url = f"postgresql://{ROLE}@/{ROLE}?host={postgresql.folder}"
    deadline = time.monotonic() + LASTS_SECONDS
    with ExitStack() as taken:
        while time.monotonic() < deadline:
            try:
                taken.enter_context(psycopg.connect(url, application_name="greedy"))
            except psycopg.OperationalError:
                with postgresql.connect() as superuser:
                    superuser.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'ecatalog'"
                    )
                time.sleep(0.05)


def migrate(bench: Bench) -> None:
    """A migration while somebody reads for long in one transaction, which an ALTER TABLE must wait for."""
    folder = bench.stack.folder / "migrations"
    add_migration(folder)
    postgresql = bench.stack.postgresql
    reader = postgresql.connect()
    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    reader.execute("SELECT count(*) FROM nomenklatura")
    ends_at = time.monotonic() + LASTS_SECONDS

    def end_reader() -> None:
        time.sleep(max(0.0, ends_at - time.monotonic()))
        reader.close()

    thread = threading.Thread(target=end_reader)
    thread.start()
    try:
        run_flask(bench.stack, "db", "upgrade", "-d", str(folder))
    finally:
        thread.join()


FAULTS = (
    Fault("PostgreSQL restarted", restart_postgresql),
    Fault("PostgreSQL killed -9", kill_postgresql),
    Fault("one of its sessions killed -9", kill_backend),
    Fault("Redis killed, back after 8 s", kill_redis),
    Fault("worker killed -9", kill_worker),
    Fault("gunicorn killed -9", kill_gunicorn),
    Fault("media disk full for 8 s", fill_media, needs="media"),
    Fault("database disk full for 8 s", fill_database, needs="data"),
    Fault("network to the database cut for 8 s", cut_network, needs="network"),
    Fault("network to the database slow for 8 s", slow_network, needs="network"),
    Fault("every database connection taken for 8 s", exhaust_connections),
    Fault("migration beside a long reader", migrate),
    Fault("clock 10 min ahead, 10 min behind, right", step_clock, needs="clock"),
)
