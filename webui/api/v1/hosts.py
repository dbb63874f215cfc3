"""Hosts: `/api/v1/hosts`."""

from http import HTTPStatus

from flask import url_for

from mcoflow.domain.ids import host_id
from mcoflow.errors import HostNotFoundError, InputInvalidError
from mcoflow.services.views import HostDetail, HostView
from webui.api.v1.shapes.hosts import Admitted, Facts, Host, HostLine, HostLinks, HostPage, WantedHosts
from webui.api.v1.surface import blueprint, route
from webui.current import services

bp = blueprint("hosts")


@route(bp, "GET", "/hosts")
def list_hosts(query: WantedHosts) -> HostPage:
    """A page of hosts in order of name."""
    found = services().hosts.list(text=query.q, after=query.cursor, limit=query.limit)
    return HostPage(items=tuple(map(_line, found.items)), next=found.next)


@route(bp, "GET", "/hosts/<name>")
def show_host(name: str) -> Host:
    """One host."""
    return _host(services().hosts.show(_known(name)))


@route(bp, "GET", "/hosts/<name>/facts")
def facts_of_host(name: str) -> Facts:
    """What a host told about itself."""
    return Facts(dict(services().hosts.facts(_known(name))))


@route(bp, "POST", "/hosts/<name>/admit", status=HTTPStatus.ACCEPTED)
def admit_host(name: str) -> Admitted:
    """Let a host in; its agent finds out when it speaks next. Done twice it is the same."""
    known = _known(name)
    services().admissions.admit([known])
    return Admitted(name=known)


@route(bp, "DELETE", "/hosts/<name>", status=HTTPStatus.NO_CONTENT, conflicts=True)
def forget_host(name: str) -> None:
    """Forget a host and all that it told; 409 while it has requests that have not ended."""
    services().admissions.remove(_known(name))


def _known(name: str) -> str:
    """Return a name as hosts have it; what cannot be one is of no host."""
    try:
        return host_id(name)
    except InputInvalidError as error:
        raise HostNotFoundError(str(error)) from None


def _line(host: HostView) -> HostLine:
    return HostLine(
        name=host.name,
        presence=host.presence,
        simulated=host.simulated,
        collectives=tuple(host.collectives),
        version=host.version,
        executing=host.executing,
        first_seen=host.first_seen,
        last_seen=host.last_seen,
        clock_ahead_s=host.clock_difference.total_seconds(),
        warnings=tuple(host.warnings),
        links=HostLinks(
            self=url_for("api_hosts.show_host", name=host.name),
            facts=url_for("api_hosts.facts_of_host", name=host.name),
            page=url_for("hosts.host", name=host.name),
        ),
    )


def _host(detail: HostDetail) -> Host:
    return Host(
        **dict(_line(detail.host)),
        system=detail.system,
        agents=tuple(detail.agents),
        operations=tuple(detail.operations),
        problems=tuple(detail.problems),
    )
