"""Operations that are hard to bear, over processes of their own: not to be interrupted, never silent."""

import json
from collections.abc import Iterator

import pytest

from tests.fleet.site import alive
from tests.servers.rabbitmq import RabbitMQ
from tests.stories.rough import RoughSite, rough_site
from tests.waiting import until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, rabbitmq: RabbitMQ) -> Iterator[RoughSite]:
    rabbitmq.start()
    with rough_site(tmp_path_factory.mktemp("rough"), rabbitmq) as made:
        yield made


def test_what_must_not_be_interrupted_runs_on_after_a_cancel_and_is_killed_by_force(
    site: RoughSite,
) -> None:
    """B-044: by a person, who has to say that it is really meant."""
    mark = site.folder / "steady"
    task = site.begin("steady", path=str(mark))
    worker = int(until(lambda: mark.exists() and mark.read_text(), "it runs", within=30))

    assert site.told.mcoflow("task", "cancel", task).returncode == 0
    refused = site.told.mcoflow("task", "cancel", task, "--force")

    assert refused.returncode != 0
    assert "a package tool half-way" in refused.stderr
    assert "--yes" in refused.stderr
    assert alive([worker]) == [worker]
    assert site.task(task)["state"] == "running"

    forced = site.told.mcoflow("task", "cancel", task, "--force", "--yes", "--output", "json")

    assert forced.returncode == 0, forced.stderr
    assert json.loads(forced.stdout)["step_ids"]
    assert site.step(task)["words"] == "cancelled, killed"
    assert alive([worker]) == []
