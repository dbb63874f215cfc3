"""What each release has written, byte for byte: a line a message, a file a release. Never change a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent


def recorded(release: str) -> list[bytes]:
    """The messages of a release, in the order of a talk about one request."""
    return (_HERE / f"{release}.jsonl").read_bytes().splitlines()


def releases() -> list[str]:
    """All releases of which messages are kept."""
    return sorted(each.stem for each in _HERE.glob("*.jsonl"))


def anew(message: bytes, changes: Mapping[str, str]) -> bytes:
    """A recorded message as it would be today: other ids and times, nothing else."""
    text = message.decode()
    for was, becomes in changes.items():
        text = text.replace(was, becomes)
    return text.encode()
