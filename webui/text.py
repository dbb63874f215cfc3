"""Text from hosts is hostile: colours become classes, control characters symbols, nothing becomes HTML."""

import json
import re
from typing import Any, Final

from markupsafe import Markup, escape

MAX_SHOWN: Final = 256 * 1024
"""Characters of one text on a page; what is cut is named with its size."""
_COLOURS: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_ESCAPE: Final = re.compile(r"\x1b\[([0-9;]{0,32})m")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_DELETE: Final = 0x7F


def visible(text: str) -> str:
    """Return the text with control characters as symbols; tab and newline stay."""
    return _CONTROL.sub(_symbol, text.replace("\r\n", "\n"))


def harmless(value: Any) -> Any:
    """Return what a template is about to write; text, with control characters as symbols."""
    return visible(value) if type(value) is str else value


def terminal(text: str) -> Markup:
    """Return terminal output as HTML: ANSI colours as classes, everything else as text."""
    shown, _ = styled(text[:MAX_SHOWN])
    if len(text) > MAX_SHOWN:
        shown += escape(f"\n… cut after {MAX_SHOWN:,} of {len(text):,} characters")
    return shown


def styled(text: str, style: str = "") -> tuple[Markup, str]:
    """Return terminal output as HTML that begins in a style, and the style in which it ends."""
    pieces = _ESCAPE.split(text)  # text, codes, text, codes, …
    shown: list[Markup] = []
    for codes, piece in zip(["", *pieces[1::2]], pieces[0::2], strict=True):
        style = _style(style, codes) if shown else style
        inner = escape(visible(piece))
        coloured = style and piece
        shown.append(Markup('<span class="{}">{}</span>').format(style, inner) if coloured else inner)
    return Markup("").join(shown), style


def as_text(value: Any) -> str:
    """Return a JSON value as text: strings as they are, yes and no, a dash for nothing, the rest JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ("", [], {}):
        return "\u2013"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def breakable(name: str) -> Markup:
    """Return a dotted name as HTML that may be broken after each dot and underscore."""
    return Markup("<wbr>").join(escape(visible(piece)) for piece in re.split(r"(?<=[._])", name))


def sentence(error: Exception) -> str:
    """Return an error as a sentence of its own."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def size(number: int) -> str:
    """Return `512 B`, `2.0 GiB`, `252 GiB`."""
    shown, unit = float(number), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(shown) < 1024 or unit == "PiB":
            break
        shown /= 1024
    return f"{number} B" if unit == "B" else f"{shown:.{1 if abs(shown) < 100 else 0}f} {unit}"


def shorten(text: str, length: int) -> str:
    """Return the text, cut in the middle if it is longer than `length` characters."""
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    return f"{text[:head]}…{text[head + 1 - length :]}"


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == _DELETE else "\ufffd"


def _style(current: str, codes: str) -> str:
    for code in codes.split(";"):
        number = int(code or 0)
        if number == 0:
            current = ""
        elif number == 1:
            current = f"{current} ansi-bold".strip()
        elif 30 <= number <= 37 or 90 <= number <= 97:
            kept = "ansi-bold " if "ansi-bold" in current else ""
            current = f"{kept}ansi-{_COLOURS[number % 10]}"
    return current
