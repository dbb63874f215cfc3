"""Output of hosts as rows of a page: whole lines where it can be, in colours, within the size of a page."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from markupsafe import Markup

from mcoflow.services.output import OutputItem, size_words
from webui.text import styled

BUDGET: Final = 192 * 1024
"""Bytes of HTML that the rows of a page have at the most; the rest of the page is about 20 KiB."""
ROW: Final = 8 * 1024
"""Characters of one row: a longer line goes on in the next one."""
FRAME: Final = 250
"""Bytes of HTML around the text of a row."""
ROWS: Final = 1000
_BEGUN: Final = re.compile(r"\x1b(?:\[[0-9;]{0,32})?\Z|\r\Z")


@dataclass(frozen=True, slots=True)
class Row:
    """Lines of one stream that were printed together. `first` is the number of its first piece.

    `gap` says what is missing before it.
    """

    key: str
    first: int
    stream: str
    at: datetime
    html: Markup
    lines: int
    gap: str = ""

    @property
    def size(self) -> int:
        """Bytes of HTML."""
        return len(self.html.encode()) + len(self.gap) + FRAME


@dataclass(slots=True)
class _Stream:
    """Text of a stream that waits for the end of its line, and the colour that it begins in."""

    text: str = ""
    first: int = 0
    at: datetime | None = None
    style: str = ""


@dataclass(slots=True)
class _Rows:
    found: list[Row] = field(default_factory=list)
    streams: dict[tuple[str | None, str], _Stream] = field(default_factory=dict)

    def add(self, item: OutputItem) -> None:
        """Take a piece; the end of it that is no whole line waits for the next of its stream."""
        stream = self.streams.setdefault((item.host, item.stream), _Stream())
        gap = item.gap
        if gap:
            self._flush(item.stream, stream, item.seq)
        if not stream.text:
            stream.first, stream.at = item.seq, item.at
        stream.text += item.text
        until = stream.text.rfind("\n") + 1
        if len(stream.text) - until > ROW:
            begun = _BEGUN.search(stream.text)
            until = begun.start() if begun else len(stream.text)
        if until or gap:
            self._put(item.stream, stream, item.seq, until, gap)

    def end(self, number: int) -> list[Row]:
        """Return all rows, those too whose last line has no end yet."""
        for (_, name), stream in self.streams.items():
            self._flush(name, stream, number)
        return self.found

    def _flush(self, name: str, stream: _Stream, number: int) -> None:
        if stream.text:
            self._put(name, stream, number, len(stream.text))

    def _put(self, name: str, stream: _Stream, number: int, until: int, gap: str = "") -> None:
        whole, stream.text = stream.text[:until], stream.text[until:]
        assert stream.at is not None
        for part, start in enumerate(range(0, max(1, len(whole)), ROW)):
            text = whole[start : start + ROW]
            html, stream.style = styled(text.removesuffix("\n"), stream.style)
            key = f"{number}.{name}.{part}"
            lines = text.count("\n") + (not text.endswith("\n") and bool(text))
            self.found.append(Row(key, stream.first, name, stream.at, html, lines, gap))
            gap = ""
        stream.first, stream.at = number, stream.at


@dataclass(frozen=True, slots=True)
class Shown:
    """The newest rows that a page takes; `older` is where to read back from for those before, "" for none.

    `left` says what is only in the download.
    """

    rows: Sequence[Row]
    older: str
    left: str


def rows_of(items: Iterable[OutputItem], older: str) -> Shown:
    """Return the rows for these pieces, or the newest of them, as many as a page takes."""
    made = _Rows()
    last = 0
    for item in items:
        made.add(item)
        last = item.seq
    rows = made.end(last)
    kept, size = len(rows), 0
    while kept and len(rows) - kept < ROWS and (size := size + rows[kept - 1].size) <= BUDGET:
        kept -= 1
    shown = rows[kept:]
    if not kept or not shown:
        return Shown(rows, older, "")
    first = shown[0].first
    torn = sum(len(row.html.encode()) for row in rows[:kept] if row.first >= first)
    left = f"about {size_words(torn)} of one piece are only in the download" if torn else ""
    return Shown(shown, str(first), left)


def matching(items: Iterable[OutputItem], words: str, most: int) -> list[OutputItem]:
    """Return the last `most` lines that contain the words, whatever their case, as pieces."""
    wanted = words.casefold()
    found: list[OutputItem] = []
    rests: dict[tuple[str | None, str], str] = {}
    for item in items:
        key = item.host, item.stream
        *whole, rests[key] = (rests.get(key, "") + item.text).split("\n")
        if len(rests[key]) > BUDGET:  # a line without end: what is found in its parts has to do
            whole, rests[key] = [*whole, rests[key]], ""
        found += [_line(item, line) for line in whole if wanted in line.casefold()]
        del found[: max(0, len(found) - most)]
        last = item
    for (host, stream), rest in rests.items():
        if rest and wanted in rest.casefold():
            found.append(OutputItem(last.seq, host, last.step, stream, last.at, rest))
    return found[-most:]


def _line(item: OutputItem, line: str) -> OutputItem:
    return OutputItem(item.seq, item.host, item.step, item.stream, item.at, f"{line[:ROW]}\n")
