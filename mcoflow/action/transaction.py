"""The user's own database, in step with planning and finalizing."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


class TransactionAdapter(Protocol):
    """Lets what plan and finalize methods write elsewhere be kept together, or not at all."""

    def transaction(self) -> AbstractContextManager[Any]:
        """Return a context for one planning, or one finalize phase: entered and left on one thread.

        It commits when it is left well, before mcoflow stores anything of the phase; it rolls back when an
        exception passes, which it lets pass.
        """
