"""The page about monitoring names settings and metrics that are there; so does the reference."""

import re
from pathlib import Path

from mcoflow.config import load_config
from mcoflow.ports.measures import MEASURES, Kind
from tests.docs.measures import PAGE, page
from tests.docs.pages import HOW_TO, blocks

MONITOR = (HOW_TO / "monitor.md").read_text()


def test_the_page_of_metrics_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.docs.measures"


def test_the_settings_of_the_page_are_taken(tmp_path: Path) -> None:
    (tmp_path / "broker.cfg").write_text(blocks("monitor", "ini")[0])

    listen = load_config(tmp_path / "broker.cfg", {"HOME": str(tmp_path)}).telemetry.listen

    assert str(listen) == "127.0.0.1:9464"
    assert str(listen) in blocks("monitor", "yaml")[0]


def test_the_metrics_of_the_page_are_there_with_these_labels() -> None:
    known = {measure.full_name: measure for measure in MEASURES}
    for name, labels in re.findall(r"(mcoflow_[a-z_]+)(?:\{([a-z]+)=)?", MONITOR):
        assert name in known
        assert not labels or labels in known[name].labels


def test_the_alerts_take_the_maximum_of_what_all_processes_show() -> None:
    shared = [m.full_name for m in MEASURES if m.kind is Kind.GAUGE and m.labels != ("queue",)]
    for name in shared:
        for before in re.findall(rf"expr: (\S*){name}\b", MONITOR):
            assert before == "max("
