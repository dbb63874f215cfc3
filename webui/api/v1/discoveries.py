"""Asking hosts whether they are there: `/api/v1/discoveries`."""

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from flask import url_for

from mcoflow.domain.discovery import Standing
from mcoflow.services.discoveries import DiscoveryView, MetView
from webui.api.v1.shapes.hosts import Answered, Discovery, DiscoveryLinks, Question
from webui.api.v1.surface import LOCATION, Made, blueprint, route
from webui.current import LOCAL, services

bp = blueprint("discoveries")


@route(bp, "POST", "/discoveries", status=HTTPStatus.ACCEPTED, headers=[LOCATION])
def ask_hosts(body: Question) -> Made[Discovery]:
    """Ask all hosts that a target means, or some by name, whether they are there; by one broadcast."""
    asked = services().discoveries.ask(
        body.targets, hosts=body.hosts, window=timedelta(seconds=body.window), user=LOCAL
    )
    return Made(_told(services().discoveries.show(asked)), {LOCATION: _url(asked)})


@route(bp, "GET", "/discoveries/<uuid:discovery_id>")
def show_discovery(discovery_id: UUID) -> Discovery:
    """Who has answered so far, and once it is complete, who has not; kept for a day."""
    return _told(services().discoveries.show(discovery_id))


def _told(view: DiscoveryView) -> Discovery:
    met = {standing: services().discoveries.all_met(view, standing) for standing in Standing}
    return Discovery(
        id=view.id,
        targets=view.target,
        asked_at=view.asked_at,
        ended_at=view.ended_at,
        complete=view.over,
        expected=view.expected,
        answered=tuple(Answered(host=each.name, ms=_milliseconds(each)) for each in met[Standing.ANSWERED]),
        offline=tuple(each.name for each in met[Standing.OFFLINE]),
        silent=tuple(each.name for each in met[Standing.SILENT]),
        added=view.added,
        foreign=view.foreign,
        problem=view.problem,
        links=DiscoveryLinks(self=_url(view.id), page=url_for("discovery.show", discovery_id=view.id)),
    )


def _milliseconds(met: MetView) -> int:
    return round(met.took.total_seconds() * 1000) if met.took is not None else 0


def _url(discovery_id: UUID) -> str:
    return url_for("api_discoveries.show_discovery", discovery_id=discovery_id)
