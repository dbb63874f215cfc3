"""The rows of a benchmark: printed as a table, written as one JSON object a line."""

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from operator import ge, le
from pathlib import Path
from typing import Final, Literal, Self

from rich.console import Console
from rich.table import Table

_WIDE: Final = 130
"""Columns of a table that goes into a file."""
BUILD: Final = Path(__file__).parents[1] / "build"
_HOLDS: Final = {">=": ge, "<=": le}
_MARKS: Final = {True: "[green]yes", False: "[red]no", None: "-"}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; without a value it was not run. `target` reads like `>= 25`, None when there is none."""

    id: str
    what: str
    value: float | None
    unit: str
    target: str | None = None
    met: bool | None = field(init=False)
    """None: not run."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "met", None if self.value is None else self._holds(self.value))

    def judged(self, comparison: Literal[">=", "<="], bound: float) -> Self:
        """Return the row with a target."""
        return replace(self, target=f"{comparison} {bound:g}")

    def _holds(self, value: float) -> bool:
        if self.target is None:
            return True
        comparison, bound = self.target.split()
        return bool(_HOLDS[comparison](value, float(bound)))


def publish(target: str, rows: Iterable[Row]) -> bool:
    """Print the table, write build/<target>.jsonl, and tell whether no target was missed."""
    rows = list(rows)
    write(BUILD / f"{target}.jsonl", rows)
    Console(width=None if sys.stdout.isatty() else _WIDE).print(_table(target, rows))
    return all(row.met is not False for row in rows)


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write one JSON object a line, replacing what an earlier run wrote."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows))


def _table(title: str, rows: Iterable[Row]) -> Table:
    table = Table("id", "what", title=title)
    for heading in ("value", "unit", "target", "met"):
        table.add_column(heading, justify="right" if heading == "value" else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            row.id,
            row.what,
            _shown(row.value),
            row.unit,
            row.target or "",
            _MARKS[row.met if row.target else None],
        )
    return table


def _shown(value: float | None) -> str:
    if value is None:
        return "not run"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
