"""Targets as people write them: `os.family=debian and (role=web or web*) and not group:old`.

The grammar is explained in docs/reference/targets.md. Agents do without this module and its parser: they get
targets as JSON.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache, partial
from typing import Final, NoReturn, TypeVar

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from mcoflow.domain.target import (
    MAX_DEPTH,
    Comparison,
    Everybody,
    FactTest,
    Key,
    Nobody,
    Target,
    checked_depth,
    every,
    negated,
    one_of,
    some,
    text_value,
)
from mcoflow.errors import TargetInvalidError

T = TypeVar("T")
MAX_TEXT: Final = 4096
_SHOWN: Final = 40
"""Characters before and after the place of a fault that are shown."""

_WORD_HERE: Final = re.compile(r"[\w.*?-]{1,40}")

_GRAMMAR: Final = r"""
start: some
?some: every (_OR every)*
?every: unary (_AND unary)*
?unary: _NOT unary -> negated
      | atom
?atom: "(" some ")"
     | ALL -> everybody
     | NOBODY -> nobody
     | WORD ("," WORD)* -> names
     | REGEX ("," REGEX)* -> regexes
     | _IDENTITY NAME ("," NAME)* -> identities
     | _GROUP NAME ("," NAME)* -> groups
     | _AGENT NAME ("," NAME)* -> agents
     | _COLLECTIVE NAME ("," NAME)* -> collectives
     | (WORD | STRING) OPERATOR (VALUE | STRING) -> compared
     | (WORD | STRING) _LIKE (REGEX | STRING) -> like
     | (WORD | STRING) _IN "(" (VALUE | STRING) ("," (VALUE | STRING))* ")" -> among
     | (WORD | STRING) _EXISTS -> there

_OR.2: /or(?![\w.*?\[-])/i
_AND.2: /and(?![\w.*?\[-])/i
_NOT.2: /not(?![\w.*?\[-])/i
_IN.2: /in(?![\w.*?\[-])/i
_EXISTS.2: /exists(?![\w.*?\[-])/i
ALL.2: /all(?![\w.*?\[-])/i
NOBODY.2: /nobody(?![\w.*?\[-])/i
_IDENTITY.3: "identity:"
_GROUP.3: "group:"
_AGENT.3: "agent:"
_COLLECTIVE.3: "collective:"
WORD: /(?!(?:and|or|not|in|exists|all|nobody)(?![\w.*?\[-]))(?:[A-Za-z0-9_.*?-]|\[!?[A-Za-z0-9.-]+\])+/i
NAME: /(?:[A-Za-z0-9_.*?-]|\[!?[A-Za-z0-9.-]+\])+/
REGEX: /\/(?:[^\/\\]|\\.)+\//
STRING: /"(?:[^"\\]|\\.)*"|'[^']*'/
OPERATOR: /==?(?!~)|!=|<=?|>=?/
_LIKE.2: "=~"
VALUE: /[^\s(),"'=<>!~][^\s(),"']*/
%ignore /\s+/
"""
_SPOKEN: Final[Mapping[str, str]] = {
    "_OR": "or",
    "_AND": "and",
    "_NOT": "not",
    "_IN": "in (…)",
    "_EXISTS": "exists",
    "ALL": "all",
    "WORD": "a host or fact",
    "NAME": "a name",
    "REGEX": "/regex/",
    "STRING": "text in quotes",
    "OPERATOR": "= != < <= > >=",
    "_LIKE": "=~",
    "VALUE": "a value",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": "a comma",
    "$END": "the end",
}


@lru_cache(maxsize=256)
def parse_target(text: str) -> Target:
    """Read a target.

    Raises:
        TargetInvalidError: with the place in the text, what is wrong there, and what could stand there.
    """
    if len(text) > MAX_TEXT:
        raise TargetInvalidError(
            f"a target of {len(text)} characters is too long, {MAX_TEXT} at most: make groups of its parts"
        )
    if not text.strip():
        raise TargetInvalidError("an empty target means nobody: name hosts, or say all", text, 0)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        _refuse(text, error)
    try:
        return checked_depth(_read(text, tree.children[0], MAX_DEPTH * 4))
    except TargetInvalidError as error:
        if error.text:
            raise
        raise at(text, 0, str(error)) from None


def at(text: str, position: int, why: str) -> TargetInvalidError:
    """Return an error that shows the place in the text."""
    first = max(0, position - _SHOWN)
    shown = text[first : position + _SHOWN].replace("\n", " ").replace("\t", " ")
    caret = " " * (position - first + (1 if first else 0)) + "^"
    line = ("…" if first else "") + shown + ("…" if position + _SHOWN < len(text) else "")
    return TargetInvalidError(f"{why}\n  {line}\n  {caret}", text, position)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


def _refuse(text: str, error: UnexpectedInput) -> NoReturn:
    position = _place(text, error)
    names = error.allowed if isinstance(error, UnexpectedCharacters) else _accepted(error)
    expected = ", ".join(dict.fromkeys(_SPOKEN[name] for name in _SPOKEN if name in (names or ())))
    if text[position : position + 1] in ('"', "'") and "STRING" in (names or ()):
        raise at(text, position, f"a {text[position]} is not closed") from None
    found = repr(_word_at(text, position)) if position < len(text) else "the end"
    why = f"a target cannot go on with {found} at character {position + 1}"
    raise at(text, position, f"{why}; expected: {expected}") from None


def _word_at(text: str, position: int) -> str:
    """The word that begins there, or one sign."""
    found = _WORD_HERE.match(text, position)
    return found[0] if found else text[position]


def _accepted(error: UnexpectedInput) -> Iterable[str]:
    if not isinstance(error, UnexpectedToken):
        return ()
    return error.accepts or error.expected


def _place(text: str, error: UnexpectedInput) -> int:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text.rstrip())
    return error.pos_in_stream or 0


def _read(text: str, node: Tree[Token] | Token, levels: int) -> Target:
    assert isinstance(node, Tree)
    if not levels:
        raise TargetInvalidError("this is nested too deep: make a group of a part of it")
    if node.data in _COMBINED:
        parts = [_read(text, child, levels - 1) for child in node.children]
        return _COMBINED[node.data](parts)
    leaf = [child for child in node.children if isinstance(child, Token)]
    try:
        return _LEAVES[node.data](leaf)
    except TargetInvalidError as error:
        raise at(text, error.position or 0, str(error)) from None


def _from(token: Token, read: Callable[[], T]) -> T:
    """Read something; what is wrong with it is at this token."""
    try:
        return read()
    except TargetInvalidError as error:
        raise TargetInvalidError(str(error), position=token.start_pos) from None


def _list(key: Key) -> Callable[[list[Token]], Target]:
    return lambda words: some(_from(word, partial(one_of, key, [str(word)])) for word in words)


def _regexes(words: list[Token]) -> Target:
    return some(_from(word, partial(one_of, Key.REGEX, [word[1:-1]])) for word in words)


def _compared(words: list[Token]) -> Target:
    path, operator, value = words
    comparison = Comparison.EQUAL if operator == "=" else Comparison(str(operator))
    return _test(path, path, comparison, _value(value))


def _like(words: list[Token]) -> Target:
    path, regex = words
    wanted = regex[1:-1].replace("\\/", "/") if regex.type == "REGEX" else _plain(regex)
    return _test(path, regex, Comparison.LIKE, json.dumps(wanted, ensure_ascii=False))


def _among(words: list[Token]) -> Target:
    path, *values = words
    return _test(path, path, Comparison.IN, *dict.fromkeys(map(_value, values)))


def _there(words: list[Token]) -> Target:
    return _test(words[0], words[0], Comparison.EXISTS)


def _test(path: Token, place: Token, comparison: Comparison, *values: str) -> Target:
    if path.type == "WORD" and set(path) & set("*?[]!"):
        raise TargetInvalidError(f"{path} is no name of a fact: put it into quotes", position=path.start_pos)
    return _from(place, lambda: FactTest(_plain(path), comparison, values))


def _value(token: Token) -> str:
    """Return the JSON text of a value: what stands in quotes is text, whatever it looks like."""
    return json.dumps(_plain(token), ensure_ascii=False) if token.type == "STRING" else text_value(str(token))


def _plain(token: Token) -> str:
    if token.type != "STRING":
        return str(token)
    if token.startswith("'"):
        return token[1:-1]
    try:
        return str(json.loads(token))
    except ValueError:
        why = f'{token} is no text: write \\" and \\\\ in it, or put it into single quotes'
        raise TargetInvalidError(why, position=token.start_pos) from None


_COMBINED: Final[Mapping[str, Callable[[list[Target]], Target]]] = {
    "some": some,
    "every": every,
    "negated": lambda parts: negated(parts[0]),
}
_LEAVES: Final[Mapping[str, Callable[[list[Token]], Target]]] = {
    "everybody": lambda _: Everybody(),
    "nobody": lambda _: Nobody(),
    "names": _list(Key.GLOB),
    "identities": _list(Key.IDENTITY),
    "groups": _list(Key.GROUPS),
    "agents": _list(Key.AGENTS),
    "collectives": _list(Key.COLLECTIVE),
    "regexes": _regexes,
    "compared": _compared,
    "like": _like,
    "among": _among,
    "there": _there,
}
