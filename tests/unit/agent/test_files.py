"""The agent `file`, on real files: what is special is refused, what is not allowed is not read."""

import base64
import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from mcoflow.agent.agents.file import MAX_READ
from mcoflow.agent.execution import RefusedError
from mcoflow.wire.kinds import Outcome
from tests.unit.agent.bench import Bench, bench

POLICY = """
[file]
read = ["{0}/open/**", "/proc/**", "/sys/**", "/dev/**"]
checksum = ["/**"]
"""


@pytest.fixture
def host(tmp_path: Path) -> Any:
    (tmp_path / "open").mkdir()
    with bench(tmp_path, ["file"], policy=POLICY.format(tmp_path)) as made:
        yield made


def test_a_file_is_described_and_its_absence_is_no_failure(host: Bench, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("hello")
    path.chmod(0o640)
    os.utime(path, (0, 1_000_000_000))

    found = host.run("file.status", path=str(path)).values

    assert (found["exists"], found["type"], found["mode"], found["size"]) == (True, "file", "0640", 5)
    assert found["modified"].startswith("2001-09-09T01:46:40")
    assert found["owner"] == path.owner()
    assert found["group"] == path.group()
    assert host.run("file.status", path=str(tmp_path / "no" / "x")).values["exists"] is False


def test_a_link_is_told_of_itself(host: Bench, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hosts")

    found = host.run("file.status", path=str(tmp_path / "link")).values

    assert (found["type"], found["target"]) == ("symlink", "/etc/hosts")


def test_special_files_are_named_and_never_opened(host: Bench, tmp_path: Path) -> None:
    """A pipe would hold the worker until somebody writes."""
    os.mkfifo(tmp_path / "open" / "pipe")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(tmp_path / "open" / "socket"))
    kinds = {
        tmp_path / "open" / "pipe": "fifo",
        tmp_path / "open" / "socket": "socket",
        tmp_path / "open": "directory",
        Path("/dev/null"): "character_device",
    }

    for path, kind in kinds.items():
        assert host.run("file.status", path=str(path)).values["type"] == kind
        for operation in ("file.checksum", "file.read"):
            end = host.run(operation, path=str(path))
            assert (end.outcome, end.reason) == (Outcome.FAILED, "not_a_file")
            assert kind.replace("_", " ") in end.message
    bound.close()


def test_a_checksum_is_that_of_all_bytes_and_says_where_links_led(host: Bench, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(3 * 1024 * 1024 + 7))
    (tmp_path / "link").symlink_to(path)

    found = host.run("file.checksum", path=str(tmp_path / "link")).values

    assert found == {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "size": 3 * 1024 * 1024 + 7,
        "real_path": str(path),
    }


def test_a_file_is_read_in_ranges_to_its_end(host: Bench, tmp_path: Path) -> None:
    path = tmp_path / "open" / "text"
    text = "grüße " * 6_000
    path.write_text(text)
    read, offset = "", 0

    while offset is not None:
        part = host.run("file.read", path=str(path), offset=offset, length=MAX_READ - 1).values
        read += part["content"]
        offset = part["next_offset"]

    assert read == text


def test_bytes_are_read_as_base64(host: Bench, tmp_path: Path) -> None:
    path = tmp_path / "open" / "bytes"
    path.write_bytes(bytes(range(256)))

    part = host.run("file.read", path=str(path), offset=10, length=20, encoding="base64").values
    as_text = host.run("file.read", path=str(path))

    assert base64.b64decode(part["content"]) == bytes(range(10, 30))
    assert (part["size"], part["next_offset"]) == (256, 30)
    assert as_text.reason == "not_text"
    assert "base64" in as_text.message


def test_behind_the_end_there_is_nothing(host: Bench, tmp_path: Path) -> None:
    (tmp_path / "open" / "x").write_text("abc")

    part = host.run("file.read", path=f"{tmp_path}/open/x", offset=99).values

    assert (part["content"], part["next_offset"]) == ("", None)


def test_what_the_policy_does_not_name_is_not_read(host: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / "open" / "link").symlink_to(secret)
    (tmp_path / "open" / "folder").symlink_to(tmp_path)

    for path in (secret, "open/link", "open/folder/secret", "open/../secret"):
        end = host.run("file.read", path=str(tmp_path / path))
        assert (end.outcome, end.reason) == (Outcome.FAILED, "not_allowed"), path
        assert "policy.toml" in end.message
        assert str(secret) in end.message


def test_without_a_policy_nothing_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with bench(tmp_path, ["file"]) as made:
        assert made.run("file.read", path=str(tmp_path / "x")).reason == "not_allowed"
        assert made.run("file.checksum", path="/etc/passwd").outcome is Outcome.OK


def test_without_a_policy_no_checksum_betrays_what_not_everybody_may_read(tmp_path: Path) -> None:
    """A digest of a short secret is the secret."""
    behind = tmp_path / "private" / "x"
    behind.parent.mkdir(mode=0o700)
    behind.write_text("1234")
    behind.chmod(0o644)
    private = tmp_path / "x"
    private.write_text("1234")
    private.chmod(0o640)

    with bench(tmp_path, ["file"]) as made:
        for path in (behind, private):
            end = made.run("file.checksum", path=str(path))
            assert (end.reason, "[file] checksum" in end.message) == ("not_allowed", True)


def test_what_may_be_read_may_be_summed(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1234")
    with bench(tmp_path, ["file"], policy=f'[file]\nread = ["{tmp_path}/*"]\n') as made:
        assert made.run("file.checksum", path=f"{tmp_path}/x").outcome is Outcome.OK


@pytest.mark.parametrize("operation", ["file.checksum", "file.read"])
@pytest.mark.parametrize("path", ["/proc/version", "//proc/version", "/proc/self/root/etc/passwd"])
def test_what_is_the_kernels_is_never_read(host: Bench, operation: str, path: str) -> None:
    """To read /proc/kmsg or a trace takes messages away from who waits for them."""
    end = host.run(operation, path=path)

    assert (end.outcome, end.reason) == (Outcome.FAILED, "not_allowed")
    assert "/proc, /sys or /dev" in end.message


@pytest.mark.parametrize("operation", ["file.checksum", "file.read"])
def test_a_hard_link_that_others_may_have_made_is_refused(
    host: Bench, tmp_path: Path, operation: str
) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "open" / "name").hardlink_to(tmp_path / "secret")
    assert host.run(operation, path=f"{tmp_path}/open/name").outcome is Outcome.OK

    (tmp_path / "open").chmod(0o777)
    end = host.run(operation, path=f"{tmp_path}/open/name")

    assert (end.outcome, end.reason) == (Outcome.FAILED, "not_allowed")
    assert "2 names" in end.message


@pytest.mark.parametrize("operation", ["file.checksum", "file.read"])
def test_what_is_not_there_says_so(host: Bench, tmp_path: Path, operation: str) -> None:
    assert host.run(operation, path=str(tmp_path / "open" / "no")).reason == "not_found"


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("status", {"path": "etc/hosts"}),
        ("status", {"path": ""}),
        ("status", {"path": "/a\x00b"}),
        ("status", {"path": "/" + "x" * 4096}),
        ("read", {"path": "/x", "length": 0}),
        ("read", {"path": "/x", "length": MAX_READ + 1}),
        ("read", {"path": "/x", "offset": -1}),
        ("read", {"path": "/x", "encoding": "hex"}),
        ("checksum", {"path": "/x", "algorithm": "md5"}),
    ],
)
def test_arguments_outside_the_model_are_refused(host: Bench, operation: str, asked: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=f"file.{operation}"):
        host.catalogue.declared("file", operation).check_input(asked)
