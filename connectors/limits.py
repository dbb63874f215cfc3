"""What every connector keeps to."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from mcoflow.errors import MessageTooLargeError
from mcoflow.ports.bus import Parcel

WINDOW: Final = 500
"""Parcels without a receipt; more would only wait in the broker's buffers, fewer leave the line idle."""
CONFIRM_TIMEOUT: Final = timedelta(seconds=30)
CALL_TIMEOUT: Final = timedelta(seconds=15)
"""How long a declaration may take before the link counts as unavailable."""
MAX_BODY: Final = 256 * 1024
"""Bytes; the largest kind of message (a result, a presence) may have as many."""
MAX_HEADERS: Final = 8 * 1024
"""Bytes of all names and values: they have to fit into one frame."""


def check_sizes(parcels: Sequence[Parcel]) -> None:
    """Raise MessageTooLargeError for the first parcel over a limit: a broker would close the channel."""
    for parcel in parcels:
        if parcel.headers and sum(len(name) + len(value) for name, value in parcel.headers) > MAX_HEADERS:
            raise MessageTooLargeError(
                f"{parcel.kind} {parcel.message_id} has headers over {MAX_HEADERS} characters: not sent"
            )
        if len(parcel.body) > MAX_BODY:
            raise MessageTooLargeError(
                f"{parcel.kind} {parcel.message_id} has {len(parcel.body)} bytes, {MAX_BODY} are allowed: "
                "it was not sent; send less, or in pieces"
            )
