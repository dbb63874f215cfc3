"""The real thing on this machine: packages by apt, a service by its init script, through worker processes."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcoflow.agent.init_system import InitSystem, find_init
from mcoflow.wire.kinds import Outcome
from tests.unit.agent.bench import Bench, bench

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="changes packages and services: needs root"),
    pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs Debian's apt"),
]

SHIPPED = ("host", "package", "service")
PACKAGE = "hello"
SERVICE = "mcoflow-throw-away"
BROKEN = "mcoflow-test-half-done"
SCRIPT = f"""\
#!/bin/sh
### BEGIN INIT INFO
# Provides: {SERVICE}
# Default-Start: 2
# Default-Stop: 0
# Short-Description: a test's service
### END INIT INFO
PID=/run/{SERVICE}.pid
case "$1" in
  start) start-stop-daemon --start --quiet --background --make-pidfile --pidfile $PID \\
    --exec /bin/sleep -- 900 ;;
  stop) start-stop-daemon --stop --quiet --oknodo --retry 5 --remove-pidfile --pidfile $PID --name sleep ;;
  restart) "$0" stop; "$0" start ;;
  status) start-stop-daemon --status --pidfile $PID --name sleep ;;
  *) exit 2 ;;
esac
"""
TALKATIVE = """\
#!/bin/sh
PID=/run/%s.pid
case "$1" in
  start|restart) [ -e $PID ] && kill $(cat $PID); /bin/sleep 900 & echo $! > $PID; echo started ;;
  stop) kill $(cat $PID); rm -f $PID ;;
  status) [ -e $PID ] && kill -0 $(cat $PID) ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, SHIPPED) as made:
        yield made


def version_of(package: str) -> str | None:
    """Ask dpkg itself."""
    asked = ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}${Version}", package]
    shown = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return shown[3:] if shown.startswith("ii ") else None


@pytest.fixture
def without_hello() -> Iterator[None]:
    purge = ["apt-get", "-y", "-o", "DPkg::Lock::Timeout=60", "purge", PACKAGE]
    subprocess.run(purge, capture_output=True, check=True)
    yield
    subprocess.run(purge, capture_output=True, check=True)


# -- packages --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_hello")
def test_a_package_is_installed_looked_at_and_removed(machine: Bench) -> None:
    """B-052: before, after and changed are right; the second install and check mode change nothing."""
    absent = machine.run("package.status", package=PACKAGE)
    assert absent.values["installed"] is None
    candidate = absent.values["candidate"]
    assert candidate

    predicted = machine.run("package.install", check=True, package=PACKAGE)
    assert predicted.outcome is Outcome.OK, predicted.message
    assert (predicted.changed, predicted.values["before"], predicted.values["after"]) == (
        True,
        None,
        candidate,
    )
    assert version_of(PACKAGE) is None

    installed = machine.run("package.install", package=PACKAGE)
    assert installed.outcome is Outcome.OK, installed.message
    assert installed.changed is True
    assert (installed.values["before"], installed.values["after"]) == (None, candidate)
    assert {"name": PACKAGE, "before": None, "after": candidate} in installed.values["packages"]
    assert installed.exit_code == 0
    assert "Unpacking hello" in installed.tail
    assert installed.duration_ms > 0
    assert version_of(PACKAGE) == candidate

    again = machine.run("package.install", package=PACKAGE)
    assert (again.outcome, again.changed) == (Outcome.OK, False)
    assert again.values["before"] == again.values["after"] == candidate
    assert again.values["packages"] == []

    updated = machine.run("package.update", package=PACKAGE)
    assert (updated.outcome, updated.changed) == (Outcome.OK, False)

    kept = machine.run("package.uninstall", check=True, package=PACKAGE)
    assert (kept.changed, kept.values["before"], kept.values["after"]) == (True, candidate, None)
    assert version_of(PACKAGE) == candidate

    removed = machine.run("package.uninstall", package=PACKAGE)
    assert removed.outcome is Outcome.OK, removed.message
    assert (removed.changed, removed.values["before"], removed.values["after"]) == (True, candidate, None)
    assert version_of(PACKAGE) is None

    nothing = machine.run("package.uninstall", package=PACKAGE, purge=True)
    assert (nothing.outcome, nothing.changed) == (Outcome.OK, False)


@pytest.mark.usefixtures("without_hello")
def test_an_exact_version_and_the_own_architecture_may_be_named(machine: Bench) -> None:
    candidate = machine.run("package.status", package=PACKAGE).values["candidate"]
    own = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True)
    named = f"{PACKAGE}:{own.stdout.strip()}"

    wrong = machine.run("package.install", package=PACKAGE, version="0.0-1")
    assert (wrong.outcome, wrong.reason) == (Outcome.FAILED, "not_found")
    assert wrong.exit_code == 100

    right = machine.run("package.install", package=named, version=candidate)
    assert (right.outcome, right.values["after"]) == (Outcome.OK, candidate)

    assert machine.run("package.uninstall", package=named).changed is True
    assert version_of(PACKAGE) is None


@pytest.mark.parametrize("package", ["mcoflow-no-such-package", "hell.", "hello-", "hello+", "HELLO"])
def test_a_name_that_apt_would_interpret_is_not_found(machine: Bench, package: str) -> None:
    """B-055: apt reads `hell.` as a pattern, `hello-` as a removal: neither gets so far."""
    for operation in ("package.install", "package.update"):
        end = machine.run(operation, package=package)

        assert end.outcome is Outcome.FAILED
        assert end.reason in {"not_found", "invalid_name"}
    assert version_of(PACKAGE) is None


@pytest.mark.usefixtures("without_hello")
def test_a_held_lock_ends_as_locked(tmp_path: Path) -> None:
    """B-054: somebody else's apt is waited for, then the operation fails with a word worth a retry."""
    with bench(tmp_path, SHIPPED, lock_timeout=1) as machine, dpkg_locked():
        end = machine.run("package.install", package=PACKAGE)

    assert (end.outcome, end.reason) == (Outcome.FAILED, "locked")
    assert "lock" in end.message
    assert end.changed is False
    assert version_of(PACKAGE) is None


class dpkg_locked:  # noqa: N801  reads as a phrase
    """Holds the lock that every apt takes first."""

    def __enter__(self) -> None:
        self._file = Path("/var/lib/dpkg/lock-frontend").open("r+b")
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


@pytest.fixture
def half_done(tmp_path: Path) -> Iterator[str]:
    """A package that dpkg has unpacked and not configured, as after a power failure."""
    control = tmp_path / "deb" / "DEBIAN"
    control.mkdir(parents=True)
    control.parent.chmod(0o755)
    control.chmod(0o755)
    (control / "control").write_text(
        f"Package: {BROKEN}\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@invalid>\n"
        "Description: made by a test\n"
    )
    package = tmp_path / "half.deb"
    subprocess.run(
        ["dpkg-deb", "--build", str(control.parent), str(package)], capture_output=True, check=True
    )
    subprocess.run(["dpkg", "--unpack", str(package)], capture_output=True, check=True)
    yield BROKEN
    subprocess.run(["dpkg", "--purge", BROKEN], capture_output=True, check=True)


@pytest.mark.usefixtures("without_hello")
def test_an_interrupted_dpkg_is_repaired_first(machine: Bench, half_done: str) -> None:
    """B-054: what was left unpacked is configured before the change, and the log says so."""
    assert version_of(half_done) is None
    looked = machine.run("package.uninstall", check=True, package=PACKAGE)
    assert (looked.outcome, version_of(half_done)) == (Outcome.OK, None)

    end = machine.run("package.install", package=PACKAGE)

    assert end.outcome is Outcome.OK, end.message
    assert version_of(half_done) == "1"
    assert "repaired" in end.tail
    assert half_done in end.tail


# -- services --------------------------------------------------------------------------------------------


@pytest.fixture
def service() -> Iterator[str]:
    """A throw-away service in /etc/init.d."""
    if find_init() is not InitSystem.SYSVINIT:
        pytest.skip("this machine runs another init system than sysvinit")
    script = Path("/etc/init.d") / SERVICE
    script.write_text(SCRIPT)
    script.chmod(0o755)
    yield SERVICE
    subprocess.run([str(script), "stop"], capture_output=True, check=False)
    script.unlink()
    Path(f"/run/{SERVICE}.pid").unlink(missing_ok=True)


def pid() -> str:
    return Path(f"/run/{SERVICE}.pid").read_text().strip()


def test_a_service_is_restarted_under_sysvinit_although_systemctl_is_there(
    machine: Bench, service: str
) -> None:
    """B-053: its pid changes on restart; start and stop change only what is not so already."""
    assert shutil.which("systemctl"), "the trap must be set"

    started = machine.run("service.start", service=service)
    assert started.outcome is Outcome.OK, started.message + started.tail
    assert (started.values["before"], started.values["after"]) == ("stopped", "running")
    first = pid()

    assert machine.run("service.start", service=service).changed is False
    assert machine.run("service.restart", check=True, service=service).changed is True
    assert pid() == first

    restarted = machine.run("service.restart", service=service)
    assert restarted.outcome is Outcome.OK, restarted.message
    assert restarted.values == {"changed": True, "before": "running", "after": "running", "exit_code": 0}
    assert pid() != first

    stopped = machine.run("service.stop", service=service)
    assert (stopped.outcome, stopped.values["after"]) == (Outcome.OK, "stopped")
    assert machine.run("service.stop", service=service).changed is False
    assert machine.run("service.status", service=service).values == {"state": "stopped", "boot": "disabled"}

    assert machine.run("service.restart", service=service).values["before"] == "stopped"
    assert machine.run("service.status", service=service).values == {"state": "running", "boot": "disabled"}


def test_a_service_begins_with_the_machine_or_not(machine: Bench, service: str) -> None:
    predicted = machine.run("service.enable", check=True, service=service)
    assert (predicted.changed, predicted.values["after"]) == (True, "enabled")
    assert machine.run("service.status", service=service).values["boot"] == "disabled"

    enabled = machine.run("service.enable", service=service)
    assert enabled.outcome is Outcome.OK, enabled.message + enabled.tail
    assert (enabled.values["before"], enabled.values["after"]) == ("disabled", "enabled")
    assert machine.run("service.enable", service=service).changed is False
    assert machine.run("service.status", service=service).values == {"state": "stopped", "boot": "enabled"}

    disabled = machine.run("service.disable", service=service)
    assert (disabled.outcome, disabled.values["after"]) == (Outcome.OK, "disabled")
    for link in Path("/etc").glob(f"rc*.d/*{service}"):
        link.unlink()


def test_a_service_that_keeps_its_output_open_does_not_hold_the_worker(machine: Bench, service: str) -> None:
    (Path("/etc/init.d") / service).write_text(TALKATIVE % service)

    end = machine.run("service.restart", service=service)

    assert end.outcome is Outcome.OK, end.message
    assert "started" in end.tail
    assert end.duration_ms < 60_000
    assert Path(f"/proc/{pid()}").exists()


def test_a_script_that_fails_says_so(machine: Bench, service: str) -> None:
    (Path("/etc/init.d") / service).write_text("#!/bin/sh\necho no luck >&2\nexit 3\n")

    end = machine.run("service.restart", service=service)

    assert (end.outcome, end.reason, end.exit_code) == (Outcome.FAILED, "exit", 3)
    assert "no luck" in end.tail


def test_a_service_that_does_not_stay_is_a_failure(machine: Bench, service: str) -> None:
    script = '#!/bin/sh\n[ "$1" = status ] && exit 3\nexit 0\n'
    (Path("/etc/init.d") / service).write_text(script)

    end = machine.run("service.start", service=service)

    assert (end.outcome, end.reason) == (Outcome.FAILED, "not_reached")


def test_an_unknown_service_is_not_found(machine: Bench) -> None:
    end = machine.run("service.restart", service="mcoflow-no-such-service")

    assert (end.outcome, end.reason) == (Outcome.FAILED, "not_found")


# -- host ------------------------------------------------------------------------------------------------


def test_the_host_tells_its_facts(machine: Bench, tmp_path: Path) -> None:
    """B-040: also those of facts.d."""
    (tmp_path / "facts.d").mkdir()
    (tmp_path / "facts.d" / "role.json").write_text('{"role": "test"}')

    told = machine.run("host.facts").values["facts"]

    assert told["role"] == "test"
    assert told["os"]["id"] == "debian"
