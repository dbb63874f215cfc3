"""What waits in the database, counted for those who watch over it."""

from typing import Final

from sqlalchemy import Connection, func, select, text

from mcoflow.ports.store import Backlog
from mcoflow.storage.tables import UNOWNED, events, plans, requests, timers

_BY_STATE: Final = select(plans.c.state, func.count().label("number")).group_by(plans.c.state)
_UNOWNED: Final = select(func.count()).select_from(plans).where(text(UNOWNED))
_OUTBOX: Final = select(func.count().label("number"), func.min(requests.c.created_at).label("oldest")).where(
    requests.c.plan_id.in_(select(plans.c.id).where(plans.c.state == "running")),
    requests.c.state == "open",
    requests.c.confirmed.is_(False),
)
"""Only what runs has requests that are to be sent; so the ended plans, which are most, are passed over."""


def backlog_of(connection: Connection) -> Backlog:
    """Count, with five statements."""
    outbox = connection.execute(_OUTBOX).one()
    return Backlog(
        plans={row.state: row.number for row in connection.execute(_BY_STATE)},
        without_owner=connection.execute(_UNOWNED).scalar_one(),
        outbox=outbox.number,
        outbox_oldest=outbox.oldest,
        inbox=connection.execute(select(func.count()).select_from(events)).scalar_one(),
        timers=connection.execute(select(func.count()).select_from(timers)).scalar_one(),
    )
