"""Plans by any of their fields, in any order, page by page."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, Uuid, and_, false, func, or_, select

from mcoflow.domain.caller import noted
from mcoflow.domain.query import FIELDS, PlanQuery, PlanStatus, Where, read_cursor
from mcoflow.domain.records import PlanRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.errors import QueryError
from mcoflow.storage.many import Bulk, Lookup, fields_of
from mcoflow.storage.plans import SELECT_PLANS, plan_of
from mcoflow.storage.tables import plans
from mcoflow.storage.texts import hex_rows

_COLUMNS: Final[Mapping[str, Column[Any]]] = {name: plans.c[name] for name in FIELDS if name != "delayed"}
_STATUSES: Final = Lookup(
    fields_of(plans.c.id),
    lambda wanted: select(plans.c.id, plans.c.state, plans.c.result).where(plans.c.id.in_(select(wanted))),
)


def conditions(where: Where) -> list[ColumnElement[bool]]:
    """Return what has to be true of a plan; QueryError for a field there is not."""
    return [_condition(name, value) for name, value in where.items()]


def find(connection: Connection, query: PlanQuery) -> Sequence[PlanRecord]:
    """Return a page of plans, and one more if there is."""
    key = _key(query.order_by)
    order = [each.desc() if query.descending else each.asc() for each in (*_sortable(key), plans.c.id)]
    chosen = select(plans.c.id).where(*conditions(query.where)).order_by(*order).limit(query.per_page + 1)
    if query.after is not None:
        chosen = chosen.where(_behind(key, query))
    else:
        chosen = chosen.offset(query.page * query.per_page)
    page = chosen.subquery()
    found = SELECT_PLANS.where(plans.c.id.in_(select(page.c.id))).order_by(*order)
    return [plan_of(row) for row in connection.execute(found)]


def count(connection: Connection, where: Where) -> int:
    """Count the plans that match."""
    counted = select(func.count()).select_from(plans).where(*conditions(where))
    return int(connection.execute(counted).scalar_one())


def count_ended_since(connection: Connection, at: float) -> int:
    """Count the plans that stopped at a time or later, from an index alone."""
    counted = select(func.count()).select_from(plans).where(plans.c.ended_at >= at)
    return int(connection.execute(counted).scalar_one())


def statuses(connection: Connection, bulk: Bulk, plan_ids: Collection[UUID]) -> Mapping[UUID, PlanStatus]:
    """Return where plans stand."""
    found = bulk.find(connection, _STATUSES, hex_rows(plan_ids))
    return {row.id: PlanStatus(PlanState(row.state), PlanResult(row.result)) for row in found}


def _condition(name: str, value: Any) -> ColumnElement[bool]:
    if name == "delayed":
        return _is_delayed(value)
    column = _key(name)
    values = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    if name == "caller_action_id":
        values += [noted(int(each)) for each in values if isinstance(each, int | float) and each > 0]
    if not values:
        return false()
    set_ones = [_converted(column, name, each) for each in values if each is not None]
    unset = [column.is_(None)] if len(set_ones) < len(values) else []
    return or_(column.in_(set_ones), *unset) if set_ones else unset[0]


def _is_delayed(value: Any) -> ColumnElement[bool]:
    values = value if isinstance(value, list | tuple | set | frozenset) else [value]
    scheduled = plans.c.state == PlanState.SCHEDULED.value
    return or_(false(), *(scheduled if each else ~scheduled for each in values))


def _key(name: str) -> Column[Any]:
    try:
        return _COLUMNS[name]
    except KeyError:
        raise QueryError(f"plans have no field {str(name)[:80]!r}: there are {', '.join(FIELDS)}") from None


def _converted(column: Column[Any], name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(column.type, Uuid) and not isinstance(value, UUID):
        try:
            return UUID(value)
        except (ValueError, TypeError, AttributeError):
            raise QueryError(f"{name} has to be an id, not {str(value)[:80]!r}") from None
    if isinstance(value, str | int | float | UUID):
        return value
    raise QueryError(f"{name} has to be a text, a number, an id or a time, not {type(value).__name__}")


def _sortable(key: Column[Any]) -> Sequence[ColumnElement[Any]]:
    """What is not set comes first; the databases do not agree about it by themselves."""
    return (key,) if not key.nullable else (key.is_not(None), key)


def _behind(key: Column[Any], query: PlanQuery) -> ColumnElement[bool]:
    value, last = read_cursor(query)
    later = plans.c.id < last if query.descending else plans.c.id > last
    if value is None:
        others = false() if query.descending else key.is_not(None)
        return or_(and_(key.is_(None), later), others)
    if isinstance(key.type, Uuid):
        value = UUID(value)
    further = key < value if query.descending else key > value
    unset = key.is_(None) if query.descending and key.nullable else false()
    return or_(further, and_(key == value, later), unset)
