"""What is of a provider in a new plug-in: its module, its test and its README."""

from collections.abc import Mapping
from typing import Final

from mcoflow.agent.providers.plugged import GROUP
from mcoflow.cli.plugin_template import files_of

_MODULE: Final = '''\
"""The mcoflow provider `$name`: how packages are managed on hosts that have neither apt nor another one."""

from collections.abc import Sequence
from pathlib import Path

from mcoflow.agent.providers.port import (
    Change,
    PackageFound,
    PackageMove,
    PackageStatus,
    PackageWish,
    Wanted,
)
from mcoflow.errors import OperationFailedError

NEWEST = "1.0"


class Packages:
    """Keeps a file for each package, with its version in it: put your package manager in its place."""

    def __init__(self, root: Path = Path("/var/lib/$name")) -> None:
        self._root = root

    def status(self, package: str) -> PackageStatus:
        """Say what is installed, and what could be."""
        try:
            return PackageStatus((self._root / package).read_text(), NEWEST)
        except FileNotFoundError:
            return PackageStatus(None, NEWEST)

    def ensure(self, wish: PackageWish, *, check: bool) -> Change:
        """Make it so; with `check` only predict."""
        before = self.status(wish.package).installed
        after = self._after(wish, before)
        if not check and before != after:
            self._write(wish.package, after)
        moves = (PackageMove(wish.package, before, after),) if before != after else ()
        return Change(before, after, before != after, moves, None if check else 0)

    def search(self, text: str) -> Sequence[PackageFound]:
        """Nothing is offered that could be searched."""
        raise OperationFailedError("unsupported", "$name cannot search")

    def _after(self, wish: PackageWish, before: str | None) -> str | None:
        match wish.wanted:
            case Wanted.ABSENT:
                return None
            case Wanted.LATEST:
                return NEWEST
            case _:
                return wish.version or before or NEWEST

    def _write(self, package: str, version: str | None) -> None:
        try:
            if version is None:
                (self._root / package).unlink()
            else:
                self._root.mkdir(parents=True, exist_ok=True)
                (self._root / package).write_text(version)
        except OSError as error:
            raise OperationFailedError("not_written", f"{self._root}: {error.strerror}") from error
        print(f"{package}: {version or 'removed'}")  # it is seen as the output of the step


class Provider:
    """What mcoflow asks for; made anew for each operation, in a process of its own."""

    def packages(self) -> Packages:
        """Return the package manager."""
        return Packages()

    def services(self) -> None:
        """Leave services to mcoflow's own, which know systemd, sysvinit, openrc, runit and launchd."""
'''

_TEST: Final = '''\
"""The packages of the provider `$name`."""

from mcoflow.agent.providers.port import PackageWish, Wanted

from $module import NEWEST, Packages


def test_a_package_is_installed_once_and_removed(tmp_path):
    packages = Packages(tmp_path)
    wish = PackageWish("hello", Wanted.PRESENT)

    first, second = packages.ensure(wish, check=False), packages.ensure(wish, check=False)

    assert (first.before, first.after, first.changed) == (None, NEWEST, True)
    assert (second.changed, second.packages) == (False, ())
    assert packages.status("hello").installed == NEWEST
    assert packages.ensure(PackageWish("hello", Wanted.ABSENT), check=False).after is None
    assert packages.status("hello").installed is None


def test_a_prediction_changes_nothing(tmp_path):
    packages = Packages(tmp_path)

    predicted = packages.ensure(PackageWish("hello", Wanted.PRESENT), check=True)

    assert (predicted.after, predicted.changed, predicted.exit_code) == (NEWEST, True, None)
    assert packages.status("hello").installed is None
'''

_README: Final = """\
# $package

The mcoflow provider `$name`. Try it: `pip install -e .` and `pytest`.

On a host: install it into the environment of `mcoflow agent`, set `provider = $name` in section `[agent]` of
broker.cfg, and start the agent again. Then `mcoflow run install hello --host HOST --wait` goes through it.
"""


def provider_files_of(name: str) -> Mapping[str, str]:
    """Return the files of a plug-in for the provider `name`, by their path."""
    return files_of(name, "provider", GROUP, "Provider", texts=(_MODULE, _TEST, _README))
