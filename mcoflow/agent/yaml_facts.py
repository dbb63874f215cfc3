"""YAML as plain data and nothing else: what JSON could say too, without aliases, tags and dates."""

import re
from typing import Any, Final

import yaml

from mcoflow.errors import MalformedMessageError
from mcoflow.wire.codec import MAX_DEPTH

_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = tuple(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map"))


class _PlainLoader(yaml.SafeLoader):
    """Makes Python values of plain nodes only; a date stays the text that it is."""

    yaml_constructors = {tag: yaml.SafeLoader.yaml_constructors[tag] for tag in _PLAIN} | {
        None: yaml.SafeLoader.construct_undefined
    }
    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, regex) for tag, regex in resolvers if tag in _PLAIN]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse what could make a small file large, while it is read."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs say nothing of it
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise MalformedMessageError("YAML anchors and aliases (& and *) are not read: write it out")
        if self._depth >= MAX_DEPTH:
            raise MalformedMessageError(f"nested deeper than {MAX_DEPTH}")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As JSON has it: keys are texts, and none comes twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if odd := [key for key in keys if not isinstance(key, str)]:
            raise MalformedMessageError(f"the key {odd[0]!r} is no text: put it in quotes")
        if len(set(keys)) < len(keys):
            raise MalformedMessageError("a key comes twice in one mapping")
        return super().construct_mapping(node, deep)


def parse_yaml(data: bytes) -> dict[str, Any]:
    """Return the mapping that the bytes hold, by YAML 1.1 as PyYAML reads it.

    Raises:
        MalformedMessageError: not UTF-8, no YAML of one document, no mapping, or more than plain data.
    """
    try:
        loader = _PlainLoader(data.decode("utf-8"))
        found = loader.get_single_data()
    except (ValueError, yaml.YAMLError) as error:  # ValueError: no UTF-8, or a number of too many digits
        raise MalformedMessageError(f"no YAML of ours: {_in_a_line(error)}") from None
    if not isinstance(found, dict):
        raise MalformedMessageError(f"a YAML mapping was expected, not {type(found).__name__}")
    return found


def _in_a_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))
