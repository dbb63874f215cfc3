"""The disk of the database is full under a running executor and a web process, and later it is not."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcoflow.cli.exit_codes import ExitCode
from tests.servers.postgresql import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ
from tests.stories.processes import Deployed, Process
from tests.stories.rough import RoughSite, rough_site, waiting
from tests.waiting import until

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts a small file system"),
]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Not below the folder of the test: a database server runs as another user, who cannot get in there."""
    path = Path(tempfile.mkdtemp(prefix="mcoflow-small-disk-"))
    path.chmod(0o755)
    options = "size=24m,mode=0755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)
    path.rmdir()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, small_disk: Path, postgresql: PostgreSQL) -> Iterator[str]:
    """The URL of a database on the small disk."""
    if request.param == "sqlite":
        yield f"sqlite:///{small_disk}/mcoflow.db"
        return
    postgresql.start()
    url = postgresql.create_database_in(small_disk / "postgresql")
    yield url
    postgresql.drop_database(url)


@pytest.fixture
def site(database: str, tmp_path: Path, rabbitmq: RabbitMQ) -> Iterator[RoughSite]:
    rabbitmq.start()
    folder = tmp_path / "site"
    folder.mkdir()
    with rough_site(folder, rabbitmq, database) as made:
        yield made


def test_on_a_full_disk_nothing_new_is_taken_and_nothing_under_way_is_lost(
    site: RoughSite, small_disk: Path, rabbitmq: RabbitMQ
) -> None:
    """R-036: no plan (503), no reply acknowledged without its write; all goes on when there is room."""
    gate = site.folder / "gate"
    with Process(site.folder, "web", "web", settings=site.told.settings) as web:
        pages = Deployed(web.facts()["pages"], site.told.settings, "web1")
        task = site.begin("wait_for", path=str(gate))
        until(lambda: site.task(task)["state"] == "running", "it runs")
        fill(small_disk / "ballast")

        form = {"hostname": "web2", "param": "nginx", "action": "install"}

        def refused() -> str:
            until(lambda: pages.send_form(**form)[0] == 503, "the form takes no more", within=60)
            done = site.told.mcoflow("run", "rough.wait_for", "--set", f"path={gate}", "--host", "web1")
            return done.stderr if done.returncode == ExitCode.UNAVAILABLE else ""

        said = until(refused, "no new task is taken", within=60)  # the first may fit into what is there
        assert "full" in said
        assert "make room" in said
        gate.touch()
        until(lambda: waiting(rabbitmq, site), "the result waits in the queue", within=30)
        assert site.executor.started.poll() is None

        (small_disk / "ballast").unlink()

        assert site.step(task)["words"] == "success"
        again = site.begin("wait_for", path=str(gate))
        assert site.step(again)["words"] == "success"
        until(lambda: pages.send_form(**form)[0] == 303, "the form takes tasks again")
        until(lambda: not waiting(rabbitmq, site), "all replies are acknowledged", within=30)


def fill(path: Path) -> None:
    """Take all room that there is."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return
