"""The tutorial is done as it stands, from the first block to the last."""

import tarfile
from pathlib import Path

import pytest

from tests.docs.pages import run


def test_the_tutorial_works_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, target = tmp_path / "site", tmp_path / "backups"
    folder.mkdir()
    target.mkdir()
    (folder / "index.html").write_text("hello")

    names = run("../tutorial/your-first-action", FOLDER=str(folder), TARGET=str(target))

    said = capsys.readouterr().out
    assert said.startswith("stopped success\nsuccess {<StepState.SUCCESS: 'success'>: 3}\n1 files ")
    assert "folder" in names["failed"].error.message
    assert "paused - not a gzip file" in said
    assert said.endswith("stopped success\n")
    with tarfile.open(target / "backup.tar.gz") as tar:
        assert "./index.html" in tar.getnames()
