"""A private PostgreSQL: its own data directory and port, durable settings, gone with the test session."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from time import monotonic
from types import TracebackType
from typing import Final, Self

import psutil
import psycopg
from psycopg import sql

from tests.servers.need import first_path, free_port

ROLE: Final = "mcoflow"
_STARTUP: Final = 60.0
_SETTINGS: Final = {"listen_addresses": "127.0.0.1", "max_connections": "200", "shared_buffers": "32MB"}


def postgresql_binaries() -> Path | None:
    """Return the directory of `initdb` and `postgres`, or None when they are not installed."""
    initdb = first_path("/usr/lib/postgresql/*/bin/initdb", "/usr/bin/initdb", "/usr/local/bin/initdb")
    return initdb.parent if initdb else None


class PostgreSQL:
    """One private server. `start` after `stop` or `kill` comes back with the same data on the same port."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._home = Path(tempfile.mkdtemp(prefix="mcoflow-postgresql-"))
        self._port = free_port()
        self._names = (f"test_{number}" for number in itertools.count(1))
        self._server: subprocess.Popen[bytes] | None = None
        self._as_user = _unprivileged(self._home)
        self._create_cluster(
            f"--username={ROLE}", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"
        )

    def url(self, database: str = "postgres") -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{ROLE}@127.0.0.1:{self._port}/{database}"

    def create_database(self) -> str:
        """Create an empty database and return its SQLAlchemy URL."""
        name = next(self._names)
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Start the server, and lend a database of its own: the URL.

        What is left would be replayed by each server that starts after a kill, a third of a second for each.
        """
        self.start()
        url = self.create_database()
        yield url
        self.start()
        self._drop(url)

    def create_database_in(self, folder: Path) -> str:
        """Create an empty database whose tables lie in a folder, which is made; return its SQLAlchemy URL."""
        folder.mkdir()
        shutil.chown(folder, self._home.owner(), self._home.group())
        name = next(self._names)
        place, made = sql.Identifier(f"place_of_{name}"), sql.Identifier(name)
        with self._connect() as connection:
            connection.execute(
                sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(place, sql.Literal(str(folder)))
            )
            connection.execute(sql.SQL("CREATE DATABASE {} TABLESPACE {}").format(made, place))
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database that lies in a folder of its own, and leave the folder."""
        name = self._drop(url)
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(f"place_of_{name}")))

    def _drop(self, url: str) -> str:
        name = url.rpartition("/")[2]
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        return name

    def start(self) -> None:
        """Start the server and return when it takes connections; RuntimeError with its log if it does not."""
        if self._server is not None:
            return
        settings = {**_SETTINGS, "port": str(self._port), "unix_socket_directories": str(self._home)}
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [*self._as_user, str(self._binaries / "postgres"), "-D", str(self._data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut down in order, cutting off who is connected."""
        if self._server is None:
            return
        self._server.send_signal(signal.SIGINT)
        self._server.wait(_STARTUP)
        self._server = None

    def kill(self) -> None:
        """Kill -9 every process of the server: nothing is flushed that was not committed."""
        if self._server is None:
            return
        # Sessions of their own keep the back ends out of the server's process group, and while one lives
        # the next start is refused for its shared memory.
        family = [
            psutil.Process(self._server.pid),
            *psutil.Process(self._server.pid).children(recursive=True),
        ]
        for member in family:
            with suppress(psutil.NoSuchProcess):  # the others end by themselves when they miss the first
                member.kill()
        psutil.wait_procs(family, timeout=_STARTUP)
        self._server.wait(_STARTUP)
        self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._home)

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @property
    def _log(self) -> Path:
        return self._home / "log"

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url().replace("+psycopg", ""), autocommit=True, connect_timeout=5)

    def _wait_until_ready(self) -> None:
        end, pause = monotonic() + _STARTUP, Event()
        while monotonic() < end and self._server is not None and self._server.poll() is None:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                pause.wait(0.05)
            else:
                return
        raise RuntimeError(f"the private PostgreSQL did not start:\n{self._log.read_text()[-2000:]}")

    def _create_cluster(self, *arguments: str) -> None:
        initdb = [*self._as_user, str(self._binaries / "initdb"), "-D", str(self._data)]
        subprocess.run([*initdb, *arguments], check=True, capture_output=True, cwd="/")


def _unprivileged(home: Path) -> list[str]:
    """Return the command prefix that runs a server in `home`; it dies with us, and is never root.

    PostgreSQL refuses to run as root, so `home` is given to `postgres`, or to `nobody`.
    """
    prefix = ["setpriv", "--pdeathsig", "QUIT"]
    if os.geteuid() != 0:
        return [*prefix, "--"]
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(home, user.pw_uid, user.pw_gid)
    return [*prefix, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
