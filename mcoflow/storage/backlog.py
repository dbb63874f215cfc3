"""What waits in the database, counted for those who watch over it."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, exists, func, select, text

from mcoflow.ports.backlog import Backlog
from mcoflow.storage.between_tables import NOT_HELD, locks
from mcoflow.storage.clock import database_now
from mcoflow.storage.tables import (
    OWNED,
    UNOWNED,
    UNSTOPPED,
    events,
    plans,
    requests,
    timers,
    worlds,
)

_BY_STATE: Final = select(plans.c.state, func.count().label("number")).group_by(plans.c.state)
_COUNT: Final = select(func.count()).select_from(plans)
_UNOWNED: Final = _COUNT.where(text(UNOWNED), ~exists().where(text(NOT_HELD), locks.c.plan_id == plans.c.id))
"""One that waits for a lock waits for no executor."""
_OF_THE_DEAD: Final = _COUNT.where(
    text(OWNED),
    text(UNSTOPPED),
    plans.c.owner.not_in(select(worlds.c.id).where(worlds.c.expires_at > database_now())),
)
_OUTBOX: Final = select(func.count().label("number"), func.min(requests.c.created_at).label("oldest")).where(
    requests.c.plan_id.in_(select(plans.c.id).where(plans.c.state == "running")),
    requests.c.state == "open",
    requests.c.confirmed.is_(False),
)
"""Only what runs has requests that are to be sent; so the ended plans, which are most, are passed over."""


_BY_OWNER: Final = (
    select(plans.c.owner, func.count().label("number"))
    .where(text(OWNED), text(UNSTOPPED))
    .group_by(plans.c.owner)
)


def plans_owned(connection: Connection) -> Mapping[UUID, int]:
    """Count by owner the plans that wait or run."""
    return {row.owner: row.number for row in connection.execute(_BY_OWNER)}


def backlog_of(connection: Connection) -> Backlog:
    """Count, with six statements."""
    outbox = connection.execute(_OUTBOX).one()
    return Backlog(
        plans={row.state: row.number for row in connection.execute(_BY_STATE)},
        without_owner=sum(connection.execute(each).scalar_one() for each in (_UNOWNED, _OF_THE_DEAD)),
        outbox=outbox.number,
        outbox_oldest=outbox.oldest,
        inbox=connection.execute(select(func.count()).select_from(events)).scalar_one(),
        timers=connection.execute(select(func.count()).select_from(timers)).scalar_one(),
    )
