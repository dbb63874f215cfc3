"""B-040: facts of the machine and of facts.d; a bad file is named and keeps what it said last."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mcoflow.agent.facts import MAX_FILE_BYTES, MAX_FILES, Facts, FactsFolder
from mcoflow.wire import codec


def put(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(0o644)
    return path


def test_the_machine_tells_its_system_and_its_size(tmp_path: Path) -> None:
    """B-040: distro and psutil."""
    facts = Facts(tmp_path, {"version": "1"}).read()

    assert facts["os"]["id"]
    assert facts["cpu"]["count"] >= 1
    assert facts["memory"]["total"] > 0
    assert {"disk", "net", "uptime"} <= facts.keys()
    assert facts["mcoflow"] == {"version": "1", "facts_errors": []}
    assert len(codec.dumps(facts)) < 48 * 1024


def test_facts_stay_the_same_while_nothing_changes(tmp_path: Path) -> None:
    facts = Facts(tmp_path, {})

    assert facts.read() == facts.read()


def test_later_files_win_per_top_level_key(tmp_path: Path) -> None:
    put(tmp_path, "10-base.json", {"role": "web", "rack": {"row": 1, "slot": 2}})
    put(tmp_path, "20-site.json", {"rack": {"row": 7}})

    merged, errors = FactsFolder(tmp_path).read()

    assert merged == {"role": "web", "rack": {"row": 7}}
    assert errors == []


def test_files_change_appear_and_vanish_without_restart(tmp_path: Path) -> None:
    """B-040: facts.d is read again."""
    folder = FactsFolder(tmp_path)
    assert folder.read() == ({}, [])
    path = put(tmp_path, "a.json", {"role": "web"})
    assert folder.changed()
    assert folder.read()[0] == {"role": "web"}
    assert not folder.changed()
    put(tmp_path, "a.json", {"role": "database"})
    assert folder.changed()
    assert folder.read()[0] == {"role": "database"}
    path.unlink()
    assert folder.changed()
    assert folder.read()[0] == {}


BAD: list[tuple[str, Any, str]] = [
    ("broken", "{", "no JSON"),
    ("a list", [1], "object"),
    ("huge", json.dumps({"x": "y" * MAX_FILE_BYTES}), "bytes"),
    ("deep", '{"a":' * 30 + "1" + "}" * 30, "deeper"),
    ("not a number", '{"a": NaN}', "NaN"),
    ("doubled", '{"a": 1, "a": 2}', "twice"),
    ("reserved", {"mcoflow": {"version": "0"}}, "reserved"),
    ("many", {"a": list(range(6000))}, "values"),
]


@pytest.mark.parametrize(("content", "why"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_bad_file_keeps_its_last_good_facts_and_is_named(tmp_path: Path, content: Any, why: str) -> None:
    """B-040: broken and huge files are reported."""
    folder = FactsFolder(tmp_path)
    put(tmp_path, "a.json", {"role": "web"})
    folder.read()

    put(tmp_path, "a.json", content)
    merged, errors = folder.read()

    assert merged == {"role": "web"}
    assert len(errors) == 1
    assert errors[0].startswith("a.json: ")
    assert why in errors[0]


def test_a_file_open_to_others_is_not_believed(tmp_path: Path) -> None:
    """B-040: open files are reported."""
    put(tmp_path, "a.json", {"role": "web"}).chmod(0o666)

    merged, errors = FactsFolder(tmp_path).read()

    assert merged == {}
    assert "others may write it" in errors[0]


def test_yaml_is_read_as_json_is(tmp_path: Path) -> None:
    """B-040: YAML and JSON are merged by file name."""
    put(tmp_path, "10-base.yaml", "role: web\nrack: {row: 1}\nsince: 2024-05-01\nports:\n  - 80\n  - 443\n")
    put(tmp_path, "20-site.json", {"rack": {"row": 7}})
    put(tmp_path, "30-more.yml", "live: true\nload: 1.5\nowner: null\nname: grüße\n")

    merged, errors = FactsFolder(tmp_path).read()

    assert errors == []
    assert merged == {
        "role": "web",
        "rack": {"row": 7},
        "since": "2024-05-01",
        "ports": [80, 443],
        "live": True,
        "load": 1.5,
        "owner": None,
        "name": "grüße",
    }


BAD_YAML: list[tuple[str, str, str]] = [
    ("an alias", "a: &x [1]\nb: *x\n", "anchors and aliases"),
    ("an anchor", "a: &x 1\n", "anchors and aliases"),
    ("a merge", "a: &x {b: 1}\nc:\n  <<: *x\n", "anchors and aliases"),
    ("code", "a: !!python/object/apply:os.system [id]\n", "could not determine a constructor"),
    ("bytes", "a: !!binary aGk=\n", "could not determine a constructor"),
    ("a set", "a: !!set {x}\n", "could not determine a constructor"),
    ("broken", "a: [\n", "no YAML"),
    ("two documents", "a: 1\n---\nb: 2\n", "single document"),
    ("empty", "", "mapping"),
    ("a list", "- 1\n", "mapping"),
    ("huge", "a: " + "x" * MAX_FILE_BYTES, "bytes"),
    ("deep", "a: " + "[" * 30_000, "deeper"),
    ("doubled", "a: 1\na: 2\n", "twice"),
    ("a number as key", "1: a\n", "quotes"),
    ("a list as key", "? [a]\n: 1\n", "quotes"),
    ("not a number", "a: .nan\n", "JSON"),
    ("a long number", "a: " + "9" * 5_000, "digits"),
    ("reserved", "mcoflow: {version: x}\n", "reserved"),
    ("many", "a: [" + "1," * 6_000 + "]", "values"),
]


@pytest.mark.parametrize(("content", "why"), [bad[1:] for bad in BAD_YAML], ids=[bad[0] for bad in BAD_YAML])
def test_yaml_that_is_more_than_plain_data_is_named(tmp_path: Path, content: str, why: str) -> None:
    """B-040: YAML aliases cannot be a bomb, nor tags run anything; the last good facts stay."""
    folder = FactsFolder(tmp_path)
    put(tmp_path, "a.yaml", "role: web\n")
    folder.read()

    put(tmp_path, "a.yaml", content)
    merged, errors = folder.read()

    assert merged == {"role": "web"}
    assert len(errors) == 1
    assert errors[0].startswith("a.yaml: ")
    assert why in errors[0]


def test_what_is_no_plain_file_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "dangling.json").symlink_to("nowhere")

    merged, errors = FactsFolder(tmp_path).read()

    assert merged == {}
    assert len(errors) == 3


def test_a_file_that_would_make_it_all_too_large_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "a.json", {"a": "x" * 30_000})
    put(tmp_path, "b.json", {"b": "x" * 30_000})
    put(tmp_path, "c.json", {"c": 1})

    merged, errors = FactsFolder(tmp_path).read()

    assert merged.keys() == {"a", "c"}
    assert [error[:7] for error in errors] == ["b.json:"]


def test_more_than_a_hundred_files_are_not_read(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 2):
        put(tmp_path, f"{number:03}.json", {f"k{number}": number})

    merged, errors = FactsFolder(tmp_path).read()

    assert len(merged) == MAX_FILES
    assert len(errors) == 2
