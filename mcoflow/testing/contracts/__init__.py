"""What every store, connector and clock promises, and what every action does: suites to subclass.

Needs pytest: install `mcoflow[testing]`.
"""

from pathlib import Path

import pytest

_SUITES = sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py"))
pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in _SUITES))
