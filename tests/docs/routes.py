"""Writes docs/reference/api.md from the OpenAPI document: python -m tests.docs.reference"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import webui.app  # noqa: F401 - declares the routes
from webui.api.v1.document import document
from webui.api.v1.problems import KINDS

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
_HEAD: Final = """\
# The API

What answers under `/api/v1`, short; `/api/v1/openapi.json` has all of it.
[How to use it](../how-to/use-the-api.md). Times are RFC 3339 in UTC.
Made by `python -m tests.docs.reference`; a test compares it.

"""


def page() -> str:
    """Return the page."""
    told = document()
    parts = [_HEAD, *_routes(told), *_shapes(told), *_problems()]
    return "".join(parts)


def _routes(told: Mapping[str, Any]) -> Iterator[str]:
    yield "## Routes\n\n| request | parameters | body | answer | what |\n| --- | --- | --- | --- | --- |\n"
    for path, methods in told["paths"].items():
        for method, each in methods.items():
            named = [f"`{found['name']}`" for found in each["parameters"] if found["in"] != "path"]
            body = _name(each.get("requestBody", {}))
            cells = (f"`{method.upper()} {path}`", " ".join(named), body, _answer(each), each["summary"])
            yield f"| {' | '.join(cells)} |\n"


def _answer(operation: Mapping[str, Any]) -> str:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            return f"{status} {_name(answer)}".strip()
    raise AssertionError(operation)


def _name(content: Mapping[str, Any]) -> str:
    schema = content.get("content", {}).get("application/json", {}).get("schema", {})
    return _link(schema["$ref"]) if "$ref" in schema else ""


def _shapes(told: Mapping[str, Any]) -> Iterator[str]:
    yield "\n## Shapes\n"
    for name, schema in sorted(told["components"]["schemas"].items()):
        yield f"\n### {name}\n\n{schema.get('description', '').strip()}\n"
        if "enum" in schema:
            yield f"\nOne of {', '.join(f'`{each}`' for each in schema['enum'])}.\n"
        elif schema.get("properties"):
            yield "\n| member | type | meaning |\n| --- | --- | --- |\n"
            yield from _members(schema)


def _members(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    for name, found in schema["properties"].items():
        meaning = [] if name in required else ["may be left out"]
        meaning += [found["description"]] if "description" in found else []
        yield f"| `{name}` | {_type(found)} | {'; '.join(meaning)} |\n"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _link(schema["$ref"])
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"array of {_type(schema.get('items', {}))}"
    return str(schema.get("format", schema.get("type", "any")))


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f"[{name}](#{name.lower()})"


def _problems() -> Iterable[str]:
    yield "\n## Problems\n\n| code | status | what happened | way out |\n| --- | --- | --- | --- |\n"
    for kind in KINDS:
        yield f"| `{kind.code}` | {kind.status.value} | {kind.what} | {kind.way_out} |\n"
