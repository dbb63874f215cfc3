"""`mcoflow host`: which hosts there are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mcoflow.cli.in_order import InOrder
from mcoflow.cli.shell import Shell, shared_options

if TYPE_CHECKING:
    from mcoflow.services import Services
    from mcoflow.services.views import HostView


@click.group(cls=InOrder)
def host() -> None:
    """Look at hosts, and let them in."""


@host.command("list")
@click.option("--text", default="", help="Only hosts whose name contains this.")
@shared_options
@click.pass_obj
def list_hosts(shell: Shell, text: str) -> None:
    """List the hosts whose agents have been heard of, in order of name."""
    from mcoflow.cli import render

    with shell.services() as services:
        found = _every_host(services, text)
        rows = [render.host_row(each, services.clock.now()) for each in found]
    head = ("host", "presence", "last seen", "agent", "executing")
    shell.result(found, lambda: render.table(head, rows) if rows else "")
    if not rows:
        shell.say("no hosts: start `mcoflow agent` on one")


@host.command()
@click.argument("name", metavar="HOST")
@shared_options
@click.pass_obj
def show(shell: Shell, name: str) -> None:
    """Show a host: when it was last heard of, what it can be asked for, its facts.

    \b
    Examples:
      mcoflow host show web1
      mcoflow host show web1 --output json | jq .operations
    """
    from mcoflow.cli import render
    from mcoflow.domain.ids import host_id

    with shell.services() as services:
        found = services.hosts.show(host_id(name))
        shell.result(found, lambda: render.host(found, services.clock.now()))


@host.command()
@click.argument("names", metavar="HOST...", nargs=-1, required=True)
@shared_options
@click.pass_obj
def admit(shell: Shell, names: Sequence[str]) -> None:
    """Let hosts in that are pending: [server] admission = approve.

    Their agents find out within 30 s, and work from then on.

    \b
    Examples:
      mcoflow host admit web1 web2
    """
    from mcoflow.cli.names import host_names

    wanted = host_names(names, instead="name each host")
    with shell.services() as services:
        services.admissions.admit(wanted)
    shell.result({"admitted": list(wanted)}, lambda: f"admitted: {', '.join(wanted)}")


@host.command()
@click.argument("name", metavar="HOST")
@shared_options
@click.pass_obj
def remove(shell: Shell, name: str) -> None:
    """Forget a host, and all that it told.

    If its agent speaks again it is a new host: with [server] admission = approve it is pending and loses its
    queues within a minute, else it is back.
    """
    from mcoflow.domain.ids import host_id

    with shell.services() as services:
        services.admissions.remove(host_id(name))
    shell.result({"removed": name}, lambda: f"removed: {name}")


def _every_host(services: "Services", text: str) -> Sequence["HostView"]:
    page = services.hosts.list(text=text, limit=500)
    found = list(page.items)
    while page.next:
        page = services.hosts.list(text=text, after=page.next, limit=500)
        found += page.items
    return found
