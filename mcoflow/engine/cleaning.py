"""Removing old plans: saved first, if that is wanted, and forgotten only when that is on the disk."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID, uuid4

from mcoflow.domain.query import CleanPolicy, CleanReport, Doomed
from mcoflow.errors import BackupError
from mcoflow.faults import faultpoint
from mcoflow.ports.measures import CLEANED_PLANS
from mcoflow.ports.observer import NOBODY, Observer
from mcoflow.ports.store import Store

log = logging.getLogger("mcoflow.cleaning")
DUMPED: Final = 100
"""Plans whose rows are in memory at the same time."""


def clean(store: Store, policy: CleanPolicy, *, now: datetime, observer: Observer = NOBODY) -> CleanReport:
    """Remove stopped plans by a policy, children after their parents.

    What was removed is in the backup, if there is one, whenever the process may die. It may be there twice.

    Raises:
        BackupError: the backup cannot be written; what was not saved was not removed.
        QueryError: `where` names a field there is not; nothing was removed.
        StoreUnavailableError: the database went away; call it again.
    """
    doomed = Doomed((now - policy.older_than).timestamp(), policy.where, policy.batch)
    if policy.dry_run:
        return CleanReport(store.count_doomed(doomed))
    backup = None if policy.backup_dir is None else Backup(policy.backup_dir, now)
    plans = batches = 0
    with closing(backup or Backup(Path(), now)):
        while ids := store.doomed(doomed):
            if backup is not None:
                backup.save(_dumped(store, ids))
            faultpoint("clean.saved")
            removed = store.delete_plans(ids)
            log.info("clean.batch", extra={"plans": removed})
            observer.counted({(CLEANED_PLANS,): removed})
            plans, batches = plans + removed, batches + 1
            if not removed:
                break  # somebody else does the same
    return CleanReport(plans, batches, backup.path if backup is not None and batches else None)


class Backup:
    """A file of JSON lines, made with the first of them and readable for its owner alone."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.path = folder / f"mcoflow-plans-{now:%Y%m%dT%H%M%S}-{uuid4().hex[:8]}.jsonl"
        self._file: IO[bytes] | None = None

    def save(self, plans: Iterable[Mapping[str, Any]]) -> None:
        """Append plans, and return once they are on the disk; BackupError."""
        try:
            file = self._file = self._file or self._made()
            file.writelines(json.dumps(plan, separators=(",", ":")).encode() + b"\n" for plan in plans)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise BackupError(
                f"the backup {self.path} cannot be written: {error.strerror}; what it lacks was not removed"
            ) from error

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()

    def _made(self) -> IO[bytes]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # or the name of the file may be gone after a power failure
        finally:
            os.close(folder)
        return made


def _dumped(store: Store, ids: Sequence[UUID]) -> Iterator[Mapping[str, Any]]:
    for start in range(0, len(ids), DUMPED):
        yield from store.dump_plans(ids[start : start + DUMPED])
