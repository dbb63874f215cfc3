r"""Regular expressions that cannot take for ever, whatever they are matched against.

Python's `re` tries every way to match. What it may try is bounded here before it is compiled: the product of
the choices that an expression leaves (`a?` two, `a|b|c` three, `a*` sixty-four). Repeating something that
leaves choices itself, like `(a+)+`, multiplies them without bound and is refused.
"""

import re
from dataclasses import dataclass
from typing import Final

from mcoflow.errors import TargetInvalidError

MAX_LENGTH: Final = 200
MAX_SUBJECT: Final = 256
"""Characters of a text that is matched; a longer one does not match."""
MAX_CHOICES: Final = 64**3
UNBOUNDED: Final = 64
"""What `*` and `+` count; three of them try 256³ / 6 ways at most."""

_TOKEN: Final = re.compile(
    r"(?P<quantifier>[*+?]|\{\d{1,3}(?:,\d{0,3})?\})"
    r"|(?P<open>\((?:\?:)?)"
    r"|(?P<close>\))"
    r"|(?P<either>\|)"
    r"|(?P<atom>\[\^?\]?(?:\\.|[^\]\\])*\]|\\[dDwWsS]|\\[^A-Za-z0-9]|[^\\()\[{*+?|])",
)


@dataclass(slots=True)
class _Level:
    """One pair of parentheses: the choices of the branches before, of this one, and of its last part."""

    done: int = 0
    product: int = 1
    last: int = 0  #: 0: there is nothing to be repeated
    is_group: bool = False  #: whether the last part is in parentheses

    def add(self, choices: int, *, is_group: bool = False) -> None:
        self.product *= max(self.last, 1)
        self.last, self.is_group = choices, is_group

    def branch(self) -> None:
        self.add(0)
        self.done, self.product = self.done + self.product, 1

    def total(self) -> int:
        self.branch()
        return self.done


def checked_regex(text: str) -> str:
    """Return a regular expression that is safe; TargetInvalidError says why another one is not."""
    if not 0 < len(text) <= MAX_LENGTH:
        raise TargetInvalidError(f"a regular expression of {len(text)} characters: 1 to {MAX_LENGTH} are")
    if not text.isprintable():
        raise TargetInvalidError("a regular expression has printable characters only")
    choices = _choices(text)
    if choices > MAX_CHOICES:
        raise TargetInvalidError(
            f"{text!r} could be matched in too many ways: at most three of * and +, or fewer and some ? and |"
        )
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise TargetInvalidError(f"{text!r} is no regular expression: {error}") from None
    return text


def ends_soon(text: str, length: int) -> bool:
    """Whether looking for an expression anywhere in a text of this length is safe; False if none can tell."""
    try:
        choices = _choices(checked_regex(text))
    except TargetInvalidError:
        return False
    anchored = text.startswith("^") and "|" not in text
    most = MAX_CHOICES if length <= MAX_SUBJECT else UNBOUNDED
    return (choices if anchored else choices * UNBOUNDED) <= most


def _choices(text: str) -> int:
    levels = [_Level()]
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None and text[place] == "[":
            raise TargetInvalidError(
                f"{text!r} is no regular expression that is allowed here: "
                f"the [ at character {place + 1} is not closed, or holds what may not stand in it"
            )
        if token is None:
            raise TargetInvalidError(
                f"{text!r} is no regular expression that is allowed here: "
                f"not {text[place : place + 3]!r}, character {place + 1}"
            )
        place = token.end()
        _take(levels, token, text)
    if len(levels) > 1:
        raise TargetInvalidError(f"{text!r} is no regular expression: a ( is not closed")
    return levels[0].total()


def _take(levels: list[_Level], token: re.Match[str], text: str) -> None:
    level = levels[-1]
    match token.lastgroup:
        case "atom":
            level.add(1)
        case "open":
            levels.append(_Level())
        case "either":
            level.branch()
        case "close":
            if len(levels) == 1:
                raise TargetInvalidError(f"{text!r} is no regular expression: a ) closes nothing")
            inside = levels.pop().total()
            levels[-1].add(inside, is_group=True)
        case "quantifier":
            level.last = _repeated(level.last, token.group(), text, is_group=level.is_group)


def _repeated(choices: int, quantifier: str, text: str, *, is_group: bool) -> int:
    """The choices of a part that is repeated.

    A group may match nothing, and then no end of the text ends it: it is counted as often as it is tried.
    """
    if not choices:
        raise TargetInvalidError(f"{text!r} is no regular expression: {quantifier!r} repeats nothing")
    if quantifier == "?":
        return choices + 1
    if choices > 1:
        raise TargetInvalidError(
            f"{text!r} repeats with {quantifier!r} what can be matched in several ways: that may take for "
            "ever; write [ab] for (a|b), and repeat nothing twice"
        )
    if quantifier in "*+":
        return UNBOUNDED
    low, comma, high = quantifier[1:-1].partition(",")
    if is_group:
        return max(1, int(high or low), UNBOUNDED if comma and not high else 1)
    if not comma:
        return 1
    return UNBOUNDED if not high else max(1, int(high) - int(low) + 1)
