"""How each host reaches the broker, and what cuts it off."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from tests.servers.proxy import Proxy
from tests.servers.rabbitmq import RabbitMQ, private_rabbitmq

_NAMED = "mcf"
"""How the names of all devices and namespaces begin; the process that made them follows."""


class Network(Protocol):
    """Hosts and one broker."""

    broker: RabbitMQ

    def within(self, host: str) -> Sequence[str]:
        """The command that starts another one on the host."""

    def url(self, host: str) -> str:
        """Where the broker is, seen from the host."""

    def cut(self, host: str) -> None:
        """From now on nothing gets through; nobody is told."""

    def mend(self, host: str) -> None:
        """Let it through again."""


@contextmanager
def network(folder: Path, hosts: Sequence[str]) -> Iterator[Network]:
    """A network namespace for each host if this machine lets us have them, else a proxy."""
    with _namespaces(folder, hosts) if _namespaces_work() else _proxies(folder, hosts) as made:
        yield made


# -- namespaces ------------------------------------------------------------------------------------------


class Namespaces:
    """Hosts with an address of their own on a bridge, where the broker listens, too."""

    def __init__(self) -> None:
        self.broker: RabbitMQ
        self._bridge = f"{_NAMED}{os.getpid()}"
        self._net = f"198.18.{os.getpid() % 254}"  # of the range that is set aside for tests of networks
        self._hosts: list[str] = []

    @property
    def gateway(self) -> str:
        """The address of the broker."""
        return f"{self._net}.1"

    def build(self) -> None:
        """Make the bridge, after removing what killed runs have left."""
        for name in _left_behind():
            ip("netns" if name in _listed("netns") else "link", "del", name)
        ip("link", "add", self._bridge, "type", "bridge")
        ip("addr", "add", f"{self.gateway}/24", "dev", self._bridge)
        ip("link", "set", self._bridge, "up")

    def join(self, host: str) -> None:
        """Make a host and plug it in."""
        self._hosts.append(host)
        space, cable = self._space(host), self._cable(host)
        ip("netns", "add", space)
        ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
        ip("link", "set", cable, "master", self._bridge, "up")
        ip("-n", space, "addr", "add", f"{self._net}.{len(self._hosts) + 1}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            ip("-n", space, "link", "set", device, "up")

    def remove(self) -> None:
        """Leave nothing behind."""
        for host in self._hosts:
            ip("netns", "del", self._space(host))
        ip("link", "del", self._bridge)

    def within(self, host: str) -> Sequence[str]:
        """See Network.within."""
        return ["ip", "netns", "exec", self._space(host)]

    def url(self, host: str) -> str:
        """See Network.url."""
        return self.broker.url_of("guest", "guest", host=self.gateway)

    def cut(self, host: str) -> None:
        """See Network.cut: its end of the cable is pulled."""
        ip("link", "set", self._cable(host), "down")

    def mend(self, host: str) -> None:
        """See Network.mend."""
        ip("link", "set", self._cable(host), "up")

    def _space(self, host: str) -> str:
        return f"{self._bridge}-{host}"

    def _cable(self, host: str) -> str:
        return f"{self._bridge}v{self._hosts.index(host)}"


@contextmanager
def _namespaces(folder: Path, hosts: Sequence[str]) -> Iterator[Network]:
    made = Namespaces()
    made.build()
    try:
        for host in hosts:
            made.join(host)
        with private_rabbitmq(folder / "broker", addresses=("127.0.0.1", made.gateway)) as made.broker:
            yield made
    finally:
        made.remove()


def ip(*words: str) -> str:
    """Run iproute2."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
    return done.stdout


def _namespaces_work() -> bool:
    """Whether this process may make namespaces, and devices that lead into them."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"{_NAMED}{os.getpid()}t"
    try:
        ip("netns", "add", name)
    except AssertionError:
        return False
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
    except AssertionError:
        return False
    finally:
        ip("netns", "del", name)
    return True


def _listed(what: str) -> list[str]:
    """The namespaces or bridges that tests have made."""
    lines = ip("netns", "list") if what == "netns" else ip("-br", "link", "show", "type", "bridge")
    return [word[0] for line in lines.splitlines() if (word := line.split()) and word[0].startswith(_NAMED)]


def _left_behind() -> list[str]:
    """What belongs to processes that live no more."""
    names = {
        name: name.removeprefix(_NAMED).partition("-")[0] for name in [*_listed("netns"), *_listed("link")]
    }
    return [name for name, pid in names.items() if pid.isdigit() and not Path(f"/proc/{pid}").exists()]


# -- without rights --------------------------------------------------------------------------------------


class Proxies:
    """Hosts that share this machine's network, each behind a proxy of its own."""

    def __init__(self, broker: RabbitMQ, proxies: dict[str, Proxy]) -> None:
        self.broker = broker
        self._proxies = proxies

    def within(self, host: str) -> Sequence[str]:
        """See Network.within."""
        return ()

    def url(self, host: str) -> str:
        """See Network.url."""
        return self.broker.url_of("guest", "guest", port=self._proxies[host].port)

    def cut(self, host: str) -> None:
        """See Network.cut."""
        self._proxies[host].hole(True)

    def mend(self, host: str) -> None:
        """See Network.mend."""
        self._proxies[host].hole(False)


@contextmanager
def _proxies(folder: Path, hosts: Sequence[str]) -> Iterator[Network]:
    with ExitStack() as stack:
        broker = stack.enter_context(private_rabbitmq(folder / "broker"))
        yield Proxies(broker, {host: stack.enter_context(Proxy(broker.port)) for host in hosts})
