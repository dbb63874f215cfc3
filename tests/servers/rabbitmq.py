"""A private RabbitMQ: free ports, own node name, directories and epmd; never a shared one.

Tests take the fixture `rabbitmq` (one server for the session, started on first use) and keep apart by a
prefix of their own: `rabbitmq.new_prefix()`. A test that stops or kills the server starts it again itself.
"""

import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.servers.need import first_path, free_port, need

START_WITHIN = 60.0
STOP_WITHIN = 30.0
UNLIMITED, EXHAUSTED = "0.9", "0.000001"  # share of the memory at which the alarm goes off
CONFIG = """\
{listeners}
loopback_users = none
disk_free_limit.absolute = 1MB
vm_memory_high_watermark.relative = 0.9
log.console = false
log.file.level = info
cluster_formation.peer_discovery_backend = classic_config
"""


def sbin() -> Path | None:
    """Return the directory of RabbitMQ's own scripts (the wrappers in PATH change the user), or None."""
    server = first_path("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
    return server.parent if server and shutil.which("erl") else None


def listens(port: int) -> bool:
    """Tell whether the port of the loopback interface takes connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def ended_with_us(*argv: str) -> list[str]:
    """Wrap a command so that the kernel kills it when the test process dies, however that happens."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *argv] if setpriv else list(argv)


class RabbitMQ:
    """One server, with what tests do to it. Start it from the main thread: it dies with its starter."""

    def __init__(self, scripts: Path, directory: Path, *, addresses: Sequence[str] = ("127.0.0.1",)) -> None:
        self._scripts, self._directory = scripts, directory
        self.port, self._dist_port, self._epmd_port = free_port(), free_port(), free_port()
        self.node = f"mcoflow-{os.getpid()}-{secrets.token_hex(4)}@localhost"
        self._server: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        listeners = [f"listeners.tcp.{n} = {each}:{self.port}" for n, each in enumerate(addresses, 1)]
        (directory / "rabbitmq.conf").write_text(CONFIG.format(listeners="\n".join(listeners)))
        (directory / "enabled_plugins").write_text("[].\n")
        (directory / "advanced.config").write_text("[].\n")

    # -- where it is -------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The URL of the default user and virtual host."""
        return self.url_of("guest", "guest")

    def url_of(
        self,
        user: str,
        password: str,
        *,
        vhost: str = "/",
        host: str = "127.0.0.1",
        port: int | None = None,
    ) -> str:
        """Return the URL for another user, virtual host, address or port (of a proxy in between)."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"amqp://{login}@{host}:{port or self.port}/{quote(vhost, safe='')}"

    @staticmethod
    def new_prefix() -> str:
        """Return a prefix for names, so that tests on one server do not meet."""
        return f"t{secrets.token_hex(4)}"

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._directory.glob("log/*")))

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return self._server is not None and self._server.poll() is None

    # -- life --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start, or start again on the same data; returns when it takes connections."""
        if self.running:
            return
        self._start_epmd()
        argv = ended_with_us(str(self._scripts / "rabbitmq-server"), "-noinput")
        with (self._directory / "console").open("ab") as console:
            self._server = subprocess.Popen(
                argv,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd="/",
            )
        self._await_start()

    def stop(self) -> None:
        """Stop in good order."""
        self._end(lambda server: server.terminate())

    def kill(self) -> None:
        """Kill -9: nothing is flushed, nobody is told."""
        self._end(lambda server: server.kill())

    def wipe(self) -> None:
        """Stop, and delete all data."""
        self.stop()
        shutil.rmtree(self._directory / "mnesia", ignore_errors=True)

    def close(self) -> None:
        """Kill the server and its epmd, and delete all data."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    # -- administration ----------------------------------------------------------------------------------

    def ctl(self, *words: str, timeout: float = 60) -> str:
        """Run rabbitmqctl (about two seconds) and return what it prints; fail with its complaint."""
        argv = [str(self._scripts / "rabbitmqctl"), "-q", "-n", self.node, *words]
        done = subprocess.run(
            argv, env=self._environment(), capture_output=True, text=True, timeout=timeout, check=False
        )
        assert done.returncode == 0, f"rabbitmqctl {' '.join(words)}: {done.stderr or done.stdout}"
        return done.stdout

    def set_memory_alarm(self, on: bool) -> None:
        """Raise or clear the memory alarm: publishers are blocked while it lasts."""
        self.ctl("set_vm_memory_high_watermark", EXHAUSTED if on else UNLIMITED)

    def add_user(
        self, name: str, password: str, *, configure: str = "", write: str = "", read: str = ""
    ) -> str:
        """Add a user with these permission patterns on `/`; return its URL."""
        self.ctl("add_user", name, password)
        self.ctl("set_permissions", "-p", "/", name, configure, write, read)
        return self.url_of(name, password)

    def close_connections(self, reason: str = "test") -> None:
        """Make the server close every client connection."""
        self.ctl("close_all_connections", reason)

    # -- inside ------------------------------------------------------------------------------------------

    def _environment(self) -> dict[str, str]:
        at = self._directory
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(at),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONFIG_FILE": str(at / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(at / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(at / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(at / "mnesia"),
            "RABBITMQ_LOG_BASE": str(at / "log"),
            "RABBITMQ_PID_FILE": str(at / "pid"),
            "RABBITMQ_ALLOW_INPUT": "1",  # the script becomes the server: one process, one pid
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _start_epmd(self) -> None:
        if self._epmd is not None and self._epmd.poll() is None:
            return
        epmd = shutil.which("epmd")
        assert epmd is not None, "erl is installed without epmd"
        self._epmd = subprocess.Popen(
            ended_with_us(epmd, "-port", str(self._epmd_port), "-address", "127.0.0.1"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        self._await(self._epmd, self._epmd_port)

    def _await_start(self) -> None:
        assert self._server is not None
        self._await(self._server, self.port)

    def _await(self, process: subprocess.Popen[bytes], port: int) -> None:
        """Wait until the process listens; fail with the server's own words when it ends before."""
        tick = threading.Event()
        for _ in range(int(START_WITHIN / 0.05)):
            if listens(port):
                return
            assert process.poll() is None, f"ended at its start: {self._last_words()}"
            tick.wait(0.05)
        process.kill()
        raise AssertionError(f"not up in {START_WITHIN:g} s: {self._last_words()}")

    def _last_words(self) -> str:
        console = self._directory / "console"
        return (console.read_text(errors="replace") if console.exists() else "")[-2000:] + self.log[-2000:]

    def _end(self, signal: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if self._server is None:
            return
        if self._server.poll() is None:
            signal(self._server)
        try:
            self._server.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None


@contextmanager
def private_rabbitmq(directory: Path, *, addresses: Sequence[str] = ("127.0.0.1",)) -> Iterator[RabbitMQ]:
    """A server that listens on these addresses, the first of which is the loopback's."""
    scripts = sbin()
    need(scripts, "RabbitMQ (Debian package rabbitmq-server)")
    assert scripts is not None
    server = RabbitMQ(scripts, directory, addresses=addresses)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """One private RabbitMQ for the session (of each xdist worker), started on first use."""
    with private_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def rabbitmq_url(rabbitmq: RabbitMQ) -> str:
    """The URL of the private RabbitMQ, which is running."""
    rabbitmq.start()
    return rabbitmq.url
