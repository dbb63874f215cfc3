"""The agent `file`: look at files, their checksums and parts of them; nothing is ever written."""

import base64
import codecs
import grp
import hashlib
import os
import pwd
import stat
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from mcoflow.agent.opened_files import KINDS, Kind, failure, opened
from mcoflow.agent.operations import Agent, Context, Strict
from mcoflow.errors import OperationFailedError

MAX_READ: Final = 24 * 1024
MAX_SUMMED: Final = 16 * 1024**3
_CHUNK: Final = 1024 * 1024
_MINUTE: Final = timedelta(minutes=1)
Path = Annotated[
    str,
    Field(
        pattern=r"^/[^\x00]*$",
        max_length=4096,
        description="Absolute path of the file",
        examples=["/etc/hosts"],
    ),
]
Told = Annotated[str, Field(max_length=4096)]
Size = Annotated[int, Field(ge=0)]


class Encoding(StrEnum):
    """How bytes are told."""

    TEXT = "text"
    BASE64 = "base64"


class Named(Strict):
    """Which file."""

    path: Path


class Status(Strict):
    """What stands there; a link is told of itself, with its target. All but `exists` is null without one."""

    exists: bool
    type: Kind | None = None
    mode: Annotated[str, Field(max_length=4)] | None = None
    owner: Told | None = None
    group: Told | None = None
    size: Size | None = None
    modified: Annotated[str, Field(max_length=32)] | None = None
    target: Told | None = None


class Summed(Strict):
    """Its SHA-256; `real_path` is where links led."""

    sha256: Annotated[str, Field(max_length=64)]
    size: Size
    real_path: Told


class Range(Strict):
    """Which bytes of which file, and how they are to be told."""

    path: Path
    offset: Annotated[int, Field(ge=0, le=2**53 - 1, description="First byte, from 0")] = 0
    length: Annotated[int, Field(ge=1, le=MAX_READ, description="Bytes at most")] = MAX_READ
    encoding: Encoding = Encoding.TEXT


class Part(Strict):
    """The bytes, the size of the whole, and where to go on; null at the end."""

    content: Annotated[str, Field(max_length=2 * MAX_READ)]
    encoding: Encoding
    size: Size
    next_offset: Size | None
    real_path: Told


agent: Final = Agent("file")


@agent.operation(summary="Say what a path stands for", timeout=_MINUTE, idempotent=True, changes=False)
def status(given: Named) -> Status:
    """Look at the name itself, following no link in its last part."""
    try:
        found = os.lstat(given.path)
        target = os.readlink(given.path) if stat.S_ISLNK(found.st_mode) else None  # noqa: PTH115  as it is written
    except (FileNotFoundError, NotADirectoryError):
        return Status(exists=False)
    except OSError as error:
        raise failure(given.path, error) from None
    return Status(
        exists=True,
        type=KINDS[stat.S_IFMT(found.st_mode)],
        mode=f"{stat.S_IMODE(found.st_mode):04o}",
        owner=_owner(found.st_uid),
        group=_group(found.st_gid),
        size=found.st_size,
        modified=datetime.fromtimestamp(found.st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        target=None if target is None else _text(target),
    )


@agent.operation(
    summary="Tell the SHA-256 of a file", timeout=timedelta(minutes=10), idempotent=True, changes=False
)
def checksum(given: Named, context: Context) -> Summed:
    """Read all of it; a file over 16 GiB is refused."""
    with opened(given.path, context.policy.file, "checksum") as (descriptor, real):
        size = os.fstat(descriptor).st_size
        if size > MAX_SUMMED:
            raise OperationFailedError("too_large", f"{given.path} is over {MAX_SUMMED // 1024**3} GiB")
        digest, count = hashlib.sha256(), 0
        while count <= MAX_SUMMED and (data := os.read(descriptor, _CHUNK)):
            digest.update(data)
            count += len(data)
    return Summed(sha256=digest.hexdigest(), size=count, real_path=_text(real))


@agent.operation(
    summary="Read a part of a file that the host's policy allows",
    timeout=_MINUTE,
    idempotent=True,
    changes=False,
)
def read(given: Range, context: Context) -> Part:
    """Read one range; text has to be UTF-8."""
    with opened(given.path, context.policy.file, "read") as (descriptor, real):
        size = os.fstat(descriptor).st_size
        data = os.pread(descriptor, given.length, given.offset)
    ends = given.offset + len(data) >= size or not data
    if given.encoding is Encoding.BASE64:
        content = base64.b64encode(data).decode("ascii")
    else:
        content = _decoded(given, data, whole=ends)
        data = content.encode()
    following = given.offset + len(data)
    return Part(
        content=content,
        encoding=given.encoding,
        size=size,
        next_offset=following if following < size and data else None,
        real_path=_text(real),
    )


def _decoded(given: Range, data: bytes, *, whole: bool) -> str:
    """Return the text; a character that the range cuts at its end is left to the next range."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=whole)
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        raise OperationFailedError(
            "not_text", f"these bytes of {given.path} are no UTF-8 text: ask for encoding = base64"
        )
    return text


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _text(name: str) -> str:
    """Return the name as valid text: the kernel allows any bytes, a message does not."""
    return os.fsencode(name).decode("utf-8", "replace")[:4096]
