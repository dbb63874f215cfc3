"""The tutorial is done as it stands, from the first block to the last."""

import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

from tests.docs.pages import blocks

PAGE = "../tutorial/your-first-action"


def test_the_tutorial_works_from_end_to_end(tmp_path: Path) -> None:
    """The files are what its blocks say, and nothing else is given."""
    folders = next(block for block in blocks(PAGE, "sh") if block.startswith("mkdir "))
    subprocess.run(["sh", "-ec", folders], cwd=tmp_path, check=True)
    for name in ("backups.py", "try.py"):
        text = "\n\n".join(block for block in blocks(PAGE) if block.startswith(f"# {name}"))
        (tmp_path / name).write_text(text)

    tried = subprocess.run(
        [sys.executable, "try.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert tried.returncode == 0, tried.stderr
    said = tried.stdout
    assert said.startswith("stopped success\nsuccess {<StepState.SUCCESS: 'success'>: 3}\n1 files ")
    assert "folder" in said
    assert "paused - not a gzip file" in said
    assert said.endswith("stopped success\n")
    with tarfile.open(tmp_path / "archives" / "backup.tar.gz") as tar:
        assert "./index.html" in tar.getnames()


def test_every_block_belongs_to_a_file_and_the_package_names_the_module() -> None:
    assert all(block.startswith(("# backups.py", "# try.py")) for block in blocks(PAGE))
    (package,) = map(tomllib.loads, blocks(PAGE, "toml"))
    assert package["tool"]["setuptools"]["py-modules"] == ["backups"]
    assert package["project"]["entry-points"]["mcoflow.actions"] == {"backups": "backups"}
    assert package["build-system"]["build-backend"] == "setuptools.build_meta"
