"""What a lost link or a refused request means, in words: what, where, and the way out."""

from dataclasses import dataclass
from typing import Final

from mcoflow.errors import (
    BusAccessError,
    BusError,
    BusUnavailableError,
    TopologyMismatchError,
)

ACCESS: Final = frozenset({402, 403, 530})
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
        if self.code in ACCESS or self.login:
            return BusAccessError(f"{said}; {self._way_out()}")
        return BusUnavailableError(f"{said}; it is tried again by itself")

    def _way_out(self) -> str:
        """Say what lets us in; `mcoflow doctor` tells the very commands."""
        if "not found" in self.text:
            return "make the virtual host on the broker (rabbitmqctl add_vhost), or correct [broker] url"
        if "Login was refused" in self.text:
            return "correct user and password in [broker] url"
        if "access to" in self.text:
            return (
                "give the user the permission (rabbitmqctl set_permissions), or another user in [broker] url"
            )
        return "see to it on the broker, or name another one in [broker] url"
