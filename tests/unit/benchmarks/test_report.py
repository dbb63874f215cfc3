"""The rows of a benchmark."""

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.report import Row, publish


@pytest.fixture(autouse=True)
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "BUILD", tmp_path)
    return tmp_path


def rate(value: float | None) -> Row:
    return Row("rate", "commands", value, "1/s")


def test_a_row_is_judged_by_its_target() -> None:
    assert rate(25).judged(">=", 25) == Row("rate", "commands", 25, "1/s", ">= 25")
    assert rate(25).judged(">=", 25).met is True
    assert rate(24.9).judged(">=", 25).met is False
    assert rate(400).judged("<=", 400).met is True
    assert rate(None).judged(">=", 25).met is None


def test_each_row_is_one_json_object_a_line(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    met = publish("bench", [rate(12345.6).judged(">=", 25), rate(None), rate(0.0123)])

    lines = [json.loads(line) for line in (build / "bench.jsonl").read_text().splitlines()]
    assert met is True
    assert lines[0] == {
        "id": "rate", "what": "commands", "value": 12345.6, "unit": "1/s", "target": ">= 25", "met": True
    }  # fmt: skip
    assert [line["met"] for line in lines] == [True, None, True]
    printed = capsys.readouterr().out
    assert "12,346" in printed
    assert "not run" in printed
    assert "0.0123" in printed


def test_a_missed_target_is_told() -> None:
    assert publish("bench", [rate(1).judged(">=", 2), rate(3)]) is False
