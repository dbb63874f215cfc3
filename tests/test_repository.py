"""What holds for the repository as a whole and no linter checks."""

import ast
import importlib.util
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("mcoflow", "connectors", "webui")
LONGEST_FILE = 400
MADE = {"build", "dist", "__pycache__"}
ASSETS = (".js", ".mjs", ".css", ".map", ".woff", ".woff2", ".ttf", ".eot", ".svg", ".ico")
FOREIGN = re.compile(
    r"bootstrap\s+v\d|jquery|licensed under|sourceMappingURL|@license|\(c\) \d{4}|copyright", re.IGNORECASE
)


def files(*suffixes: str) -> list[Path]:
    """Return the files of the repository that end so, without what is made here or hidden."""
    found = []
    for directory, names, file_names in os.walk(ROOT):
        names[:] = [name for name in names if name not in MADE and not name.startswith(".")]
        found += [Path(directory, name) for name in file_names if name.endswith(suffixes)]
    return sorted(found)


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    """Yield the calls of a function of this name in our packages."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                    yield path, node


# -- packages --------------------------------------------------------------------------------------------


def test_the_three_packages_lie_side_by_side() -> None:
    """ADR 1: connectors and webui are top-level packages, not parts of mcoflow under a second name."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        assert Path(spec.origin).resolve() == (ROOT / package / "__init__.py").resolve()
    assert importlib.util.find_spec("mcoflow.connectors") is None
    assert importlib.util.find_spec("mcoflow.webui") is None


def test_the_wheel_holds_the_three_packages_and_no_others() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == list(PACKAGES)


# -- files -----------------------------------------------------------------------------------------------


def test_no_file_of_code_is_over_400_lines() -> None:
    lengths = {
        shown(path): len(path.read_text().splitlines()) for path in files(".py", ".html", ".js", ".css")
    }

    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_foreign_asset_is_in_the_repository() -> None:
    """Bootstrap comes with Bootstrap-Flask (ADR 5): scripts and styles here are our own, and readable."""
    assets = files(*ASSETS)

    fonts = [shown(path) for path in assets if path.suffix in {".woff", ".woff2", ".ttf", ".eot", ".map"}]
    minified = [shown(path) for path in assets if ".min." in path.name]
    foreign = [shown(path) for path in assets if FOREIGN.search(path.read_text(errors="replace"))]
    assert (fonts, minified, foreign) == ([], [], [])


def test_no_page_asks_another_server_for_an_asset() -> None:
    outside = re.compile(
        r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*["'](?:https?:)?//""", re.IGNORECASE
    )

    assert [shown(path) for path in files(".html", ".svg") if outside.search(path.read_text())] == []


def test_requirements_hold_names_versions_and_hashes_only() -> None:
    pin = r"[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==[\w.!+]+( ; [^\\]+)?"
    line = re.compile(rf"#.*|({pin}|    --hash=sha256:[0-9a-f]{{64}})( \\)?")
    for name in ("requirements.txt", "requirements-dev.txt"):
        odd = [text for text in (ROOT / name).read_text().splitlines() if not line.fullmatch(text)]
        assert odd == [], name


def test_requirements_for_development_hold_the_versions_of_run_time() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"(?m)^[a-z0-9]\S+==\S+", (ROOT / name).read_text()))

    assert pins("requirements.txt") <= pins("requirements-dev.txt")


# -- code ------------------------------------------------------------------------------------------------


def test_the_names_of_fault_points_are_literals() -> None:
    """A name put together at run time could not be found by who lists the points for the crash tests."""
    loose = [
        f"{shown(path)}:{call.lineno}"
        for path, call in calls("faultpoint")
        if not (
            len(call.args) == 1
            and isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, str)
        )
    ]

    assert loose == []


def test_only_the_clock_asks_the_time() -> None:
    asks = re.compile(
        r"\btime\.(time|monotonic|sleep)(_ns)?\(|\bdatetime\.(now|utcnow|today)\(|\bdate\.today\("
    )
    code = [
        path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.name != "clock.py"
    ]

    assert [shown(path) for path in code if asks.search(path.read_text())] == []
