"""The order in which the agent's bytes reach disk and broker, as the kernel sees it."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.crash.field import Field

BASIC_ACK = b"\x00\x3c\x00\x50"
RESULT = b'"kind":"result"'
CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
STRACE = ("strace", "-f", "-y", "-xx", "-s", "20000", "-e", "trace=pwrite64,fdatasync,sendto,sendmsg")

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


@dataclass
class Call:
    """One system call: where in the trace it began and had ended, the file it is about, the bytes."""

    name: str
    began: int
    ended: int
    file: str
    data: bytes


def read_trace(path: Path) -> list[Call]:
    calls: list[Call] = []
    open_calls: dict[str, Call] = {}
    for number, line in enumerate(path.read_text().splitlines()):
        if found := RESUMED.match(line):
            call = open_calls.pop(found[1])
            call.ended = number
        elif found := CALL.match(line):
            call = Call(found[2], number, number, _file(found[3]), _bytes(found[3]))
            calls.append(call)
            if line.endswith("<unfinished ...>"):
                open_calls[found[1]] = call
    return calls


def _file(arguments: str) -> str:
    found = re.search(r"<([^>]*)>", arguments)
    return _plain(found[1]).decode() if found else ""


def _bytes(arguments: str) -> bytes:
    return b"".join(_plain(piece) for piece in re.findall(r'"([^"]*)"', arguments))


def _plain(text: str) -> bytes:
    """Undo strace's hexadecimal strings; names of files come as they are."""
    return bytes.fromhex(text.replace("\\x", "")) if text.startswith("\\x") else text.encode()


def synced_after(calls: list[Call], written: Call) -> int:
    """Return where the first sync of the journal ended that began after the write had ended."""
    syncs = [c for c in calls if c.name == "fdatasync" and "journal.db" in c.file and c.began > written.ended]
    return min(sync.ended for sync in syncs)


def acknowledges(data: bytes, tag: int) -> bool:
    """Tell whether an ack frame in the bytes covers the delivery: by its tag, or all up to a later one."""
    acks = [data[found.end() :][:9] for found in re.finditer(re.escape(BASIC_ACK), data)]
    return any(
        int.from_bytes(ack[:8]) == tag or (ack[8:] == b"\x01" and int.from_bytes(ack[:8]) > tag)
        for ack in acks
    )


@pytest.fixture
def field(rabbitmq, tmp_path):
    field = Field(rabbitmq, tmp_path)
    yield field
    field.close()


def test_the_journal_is_on_disk_before_the_ack_and_before_the_result(field, tmp_path):
    """B-032: the row's fdatasync returns before the ack frame leaves, and before the result does."""
    trace = tmp_path / "trace"
    field.start_agent(under=(*STRACE, "-o", str(trace)))
    requests = [field.send("once") for _ in range(3)]
    for request in requests:
        field.result(request)
    field.end_agent()

    calls = read_trace(trace)
    writes = [call for call in calls if call.name == "pwrite64" and "journal.db-wal" in call.file]
    sends = [call for call in calls if call.name.startswith("send")]
    for tag, request in enumerate(requests, start=1):
        about = str(request).encode()
        received = next(call for call in writes if about in call.data)
        ack = next(call for call in sends if acknowledges(call.data, tag))
        assert synced_after(calls, received) < ack.began
        done = next(call for call in writes if about in call.data and RESULT in call.data)
        result = next(call for call in sends if about in call.data and RESULT in call.data)
        assert synced_after(calls, done) < result.began
