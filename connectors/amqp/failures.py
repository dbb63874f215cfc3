"""What a lost link or a refused request means, in words: what, where, and the way out."""

from dataclasses import dataclass
from typing import Final

from mcoflow.errors import (
    BusAccessError,
    BusError,
    BusUnavailableError,
    TopologyMismatchError,
)

_ACCESS: Final = frozenset({402, 403, 530})
PRECONDITION_FAILED: Final = 406
NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a connection or channel is gone. `code` is AMQP's, 0 when the broker did not say."""

    code: int
    text: str
    login: bool = False  #: it ended while logging in

    def error(self, what: str) -> BusError:
        """Return the error for `what` was asked, e.g. `declare queue x`."""
        said = f"{what}: {self.text}"
        if self.code == PRECONDITION_FAILED:
            name = what.rpartition(" ")[2]
            return TopologyMismatchError(
                f"{said}; nothing was deleted: `mcoflow bus rebuild {name}` makes it anew"
            )
        if self.code in _ACCESS or self.login:
            return BusAccessError(f"{said}; give the user the permission, or another user in [broker] url")
        return BusUnavailableError(f"{said}; it is tried again by itself")
