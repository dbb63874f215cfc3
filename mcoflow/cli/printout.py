"""Output of hosts on a terminal: colours stay, whatever else a terminal would obey is shown as a symbol."""

import re
from collections.abc import Callable
from typing import Final

from mcoflow.services.output import OutputItem

_COLOUR: Final = re.compile(r"(\x1b\[[0-9;]{0,32}m)")
_BEGUN: Final = re.compile(r"\x1b(?:\[[0-9;]{0,32})?\Z|\r\Z")
"""The end of a piece that may be the beginning of a colour, or of a line's end."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_RESET: Final = "\x1b[0m"
_PLAIN: Final = frozenset({_RESET, "\x1b[m"})


def harmless(text: str, *, colours: bool) -> str:
    """Return the text for a terminal; without `colours` those are left out."""
    pieces = _COLOUR.split(text.replace("\r\n", "\n"))
    shown = [_CONTROL.sub(_symbol, piece) for piece in pieces[0::2]]
    codes = [*pieces[1::2], ""] if colours else [""] * len(shown)
    return "".join(part for both in zip(shown, codes, strict=True) for part in both)


class Printout:
    """Writes pieces as they come; with `names` only whole lines, and each begins with its host.

    What is left of a line, or of a colour, when a piece ends waits for the next piece of the same stream.
    """

    def __init__(self, write: Callable[[str], None], *, colours: bool, names: bool) -> None:
        self._write, self._colours, self._names = write, colours, names
        self._left: dict[tuple[str | None, int | None, str], str] = {}
        self._styles: dict[tuple[str | None, int | None, str], str] = {}
        self._coloured = False

    def tell(self, item: OutputItem) -> None:
        """Write a piece, as far as it can be."""
        key = item.host, item.step, item.stream
        text = self._left.pop(key, "") + item.text
        begun = _BEGUN.search(text)
        until = begun.start() if begun else len(text)
        if self._names:
            until = text.rfind("\n", 0, until) + 1
        if text[until:]:
            self._left[key] = text[until:]
        self._put(key, text[:until])

    def end(self) -> None:
        """Write what is left, and let the terminal be as it was."""
        for key, text in self._left.items():
            self._put(key, text)
        self._left.clear()
        if self._coloured:
            self._write(_RESET)

    def _put(self, key: tuple[str | None, int | None, str], text: str) -> None:
        if not text:
            return
        shown = harmless(text, colours=self._colours)
        if self._names:
            shown = "".join(self._named(key, line) for line in shown.splitlines(keepends=False))
        self._coloured = self._coloured or "\x1b" in shown
        self._write(shown)

    def _named(self, key: tuple[str | None, int | None, str], line: str) -> str:
        """Begin a line with its host and with the colour in which the line before ended."""
        style = self._styles.get(key, "")
        for code in _COLOUR.findall(line):
            self._styles[key] = "" if code in _PLAIN else self._styles.get(key, "") + code
        ends = _RESET if self._styles.get(key) or style else ""
        return f"{key[0] or 'server'} | {style}{line}{ends}\n"


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
