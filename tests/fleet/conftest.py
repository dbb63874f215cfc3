"""The site that all tests of this room share, and a service on all of its hosts."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.network import network
from tests.fleet.site import HOSTS, SERVICE, Site
from tests.stories.test_real_operations import without_hello
from tests.waiting import until

__all__ = ["without_hello"]

_SCRIPT = f"""\
#!/bin/sh
### BEGIN INIT INFO
# Provides: {SERVICE}
# Default-Start: 2
# Default-Stop: 0
# Short-Description: a test's service, once in each network namespace
### END INIT INFO
HERE=$(readlink /proc/self/ns/net | tr -dc 0-9)
PID=/run/{SERVICE}.$HERE.pid
case "$1" in
  start) start-stop-daemon --start --quiet --background --make-pidfile --pidfile $PID \\
    --exec /bin/sleep -- 900; echo "$HERE $(cat $PID)" >>/run/{SERVICE}.log ;;
  stop) start-stop-daemon --stop --quiet --oknodo --retry 5 --remove-pidfile --pidfile $PID --name sleep ;;
  restart) "$0" stop; "$0" start ;;
  status) start-stop-daemon --status --pidfile $PID --name sleep ;;
  *) exit 2 ;;
esac
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An executor, and three hosts with an agent each."""
    folder = tmp_path_factory.mktemp("fleet")
    with network(folder, HOSTS) as net:
        made = Site(folder, net)
        try:
            for host in HOSTS:
                made.start_agent(host)
            until(lambda: made.told.online() == set(HOSTS), "all hosts are online", within=60)
            yield made
        finally:
            made.close()


@pytest.fixture
def service() -> Iterator[Path]:
    """A service on each host; returns the file that tells of each start."""
    if os.geteuid() != 0 or shutil.which("start-stop-daemon") is None:
        pytest.skip("makes a service: needs root, and Debian's start-stop-daemon")
    script, log = Path("/etc/init.d") / SERVICE, Path(f"/run/{SERVICE}.log")
    script.write_text(_SCRIPT)
    script.chmod(0o755)
    log.write_text("")
    yield log
    for line in log.read_text().splitlines():
        subprocess.run(["kill", line.split()[1]], capture_output=True, check=False)
    for left in (script, log, *Path("/run").glob(f"{SERVICE}.*.pid")):
        left.unlink()
