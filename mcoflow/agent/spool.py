"""The chunks of each request, kept as long as the journal knows it: what was sent can be sent again."""

import logging
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from mcoflow.agent.chunks import Chunk
from mcoflow.errors import MalformedMessageError
from mcoflow.wire import codec, fields
from mcoflow.wire.kinds import KIB, Stream
from mcoflow.wire.replies import OutputBody

log = logging.getLogger(__name__)

_LINE_LIMIT: Final = 64 * KIB
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Kept:
    """A chunk as it was sent. `run` of the job that printed it; `size` in bytes as printed."""

    body: OutputBody
    run: int
    size: int


class Spool(Protocol):
    """The chunks of one request."""

    @property
    def count(self) -> int:
        """How many there are."""

    def append(self, chunk: Kept) -> None:
        """Keep the next one; raise OSError when it cannot be."""

    def read(self, seq: int) -> Kept | None:
        """Return a chunk; None if it is not there any more."""


class Spools(Protocol):
    """The chunks of all requests."""

    def find(self, request_id: UUID) -> Spool | None:
        """Return the chunks of a request, None if it has none."""

    def make(self, request_id: UUID) -> Spool:
        """Return where to keep the chunks of a request."""

    def forget(self, request_ids: Iterable[UUID]) -> None:
        """Remove the chunks of these requests."""


class Numbered:
    """Turns chunks into numbered bodies. A later run of a job goes on where the earlier one ended."""

    def __init__(self, spool: Spool, run: int) -> None:
        self._spool = spool
        self._run = run
        self._base: dict[Stream, int] = {}
        self.ends: dict[Stream, int] = {}  #: how far each stream of this run was cut before
        self.size = 0  #: bytes of this run that were kept
        for seq in range(spool.count):
            if (kept := spool.read(seq)) is not None:
                self._note(kept)

    def _note(self, kept: Kept) -> None:
        stream, end = kept.body.stream, kept.body.offset + kept.size
        if kept.run == self._run:
            self.size += kept.size
            self.ends[stream] = end - self._base.get(stream, 0)
        else:
            self._base[stream] = end

    def append(self, chunk: Chunk) -> None:
        """Keep the next chunk."""
        body = OutputBody(
            seq=self._spool.count,
            stream=chunk.stream,
            offset=self._base.get(chunk.stream, 0) + chunk.offset,
            text=chunk.text,
            at=datetime.fromtimestamp(chunk.at, UTC),
        )
        self._spool.append(Kept(body, self._run, chunk.size))
        self.size += chunk.size


class FileSpool:
    """One file, a line for each chunk; a line that a crash tore is cut off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts = [0]
        self._read_lines()

    def _read_lines(self) -> None:
        try:
            with self._path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        self._starts.append(self._starts[-1] + len(line))
            os.truncate(self._path, self._starts[-1])
        except (FileNotFoundError, NotADirectoryError):
            return

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self._starts) - 1

    def append(self, chunk: Kept) -> None:
        """Write a line; what a full disk leaves of it is cut off again."""
        line = codec.dumps({**chunk.body.to_json(), "run": chunk.run, "size": chunk.size}) + b"\n"
        if not self.count:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            if file.write(line) != len(line):
                file.truncate(self._starts[-1])
                raise OSError("no space for all of it")
        self._starts.append(self._starts[-1] + len(line))

    def read(self, seq: int) -> Kept | None:
        """Read a line again."""
        start, end = self._starts[seq], self._starts[seq + 1]
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                line = codec.loads(file.read(end - start), _LINE_LIMIT)
            body = OutputBody.read(line, end - start)
            return Kept(body, fields.integer(line, "run"), fields.integer(line, "size"))
        except (OSError, MalformedMessageError) as error:
            log.warning("output.not_readable", extra={"file": str(self._path), "why": str(error)})
            return None


class FileSpools:
    """A directory with a file for each request that printed; those of lost journals are removed."""

    def __init__(self, directory: Path, generation: UUID) -> None:
        self._directory = directory / str(generation)
        if directory.exists():
            for other in directory.iterdir():
                if other != self._directory:
                    shutil.rmtree(other, ignore_errors=True)

    def find(self, request_id: UUID) -> Spool | None:
        """Open the file of a request, if there is one."""
        path = self._directory / str(request_id)
        return FileSpool(path) if path.exists() else None

    def make(self, request_id: UUID) -> Spool:
        """Name the file of a request; it is made with its first line."""
        return FileSpool(self._directory / str(request_id))

    def forget(self, request_ids: Iterable[UUID]) -> None:
        """Remove files."""
        for request_id in request_ids:
            (self._directory / str(request_id)).unlink(missing_ok=True)


@dataclass(slots=True)
class _Remembered:
    """Chunks in memory."""

    chunks: list[Kept] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.chunks)

    def append(self, chunk: Kept) -> None:
        self.chunks.append(chunk)

    def read(self, seq: int) -> Kept | None:
        return self.chunks[seq]


class RecentSpools:
    """Remembers the chunks of the newest requests: enough for hosts that are only played."""

    def __init__(self) -> None:
        self._spools: OrderedDict[UUID, _Remembered] = OrderedDict()

    def find(self, request_id: UUID) -> Spool | None:
        """Return what is remembered of a request."""
        return self._spools.get(request_id)

    def make(self, request_id: UUID) -> Spool:
        """Remember a request, and forget the oldest one instead."""
        spool = self._spools[request_id] = _Remembered()
        if len(self._spools) > _REMEMBERED:
            self._spools.popitem(last=False)
        return spool

    def forget(self, request_ids: Iterable[UUID]) -> None:
        """Forget requests."""
        for request_id in request_ids:
            self._spools.pop(request_id, None)
