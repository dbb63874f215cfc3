"""An installed package whose actions cannot be imported."""

from pathlib import Path

import pytest


def install_broken_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be one until the test ends."""
    described = folder / "broken_actions-1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-actions\nVersion: 1\n")
    (described / "entry_points.txt").write_text("[mcoflow.actions]\nbroken = broken_actions_of_a_test\n")
    monkeypatch.syspath_prepend(folder)
