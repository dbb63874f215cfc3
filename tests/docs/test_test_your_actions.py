"""The page about tests of actions is tried as it stands: its tests pass."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "test-your-actions.md"


def test_the_tests_of_the_page_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in re.findall(r"```python\n# (\S+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL):
        (pytester.path / name).write_text(code)
    monkeypatch.syspath_prepend(str(pytester.path))

    done = pytester.runpytest("-p", "mcoflow.testing.fixtures", "-p", "no:cacheprovider", "-q")

    done.assert_outcomes(passed=11)
