"""The command `mcoflow` and its parts."""

import click

from mcoflow import __version__
from mcoflow.cli.action import action
from mcoflow.cli.admin import config, db
from mcoflow.cli.doctor import doctor
from mcoflow.cli.executors import executors
from mcoflow.cli.exit_codes import table
from mcoflow.cli.facts import facts
from mcoflow.cli.find import find, group
from mcoflow.cli.host import host
from mcoflow.cli.in_order import InOrder
from mcoflow.cli.operate import OPERATE
from mcoflow.cli.output import output
from mcoflow.cli.ping import ping
from mcoflow.cli.plugin import plugin
from mcoflow.cli.recur import recur
from mcoflow.cli.results import results
from mcoflow.cli.run import run
from mcoflow.cli.schedule import schedule
from mcoflow.cli.serve import agent, executor, up, web
from mcoflow.cli.shell import shared_options
from mcoflow.cli.task import task

HELP = f"""Run commands on many hosts over a message bus, as durable tasks.

\b
Try it on this machine:
  mcoflow up                                         then open http://127.0.0.1:9292
  mcoflow run install nginx --host web1 --wait
  mcoflow run install-and-restart 'nginx,php;web' --host web1 --host web2
  mcoflow task list

Every command says more with --help. Settings are read from broker.cfg.

\b
Exit codes:
{table()}
"""


@click.group(cls=InOrder, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mcoflow", message="%(prog)s %(version)s")
@shared_options
def root() -> None:
    """Hold the commands."""


for _command in (output, results, *OPERATE):
    task.add_command(_command)
for _command in (
    up,
    run,
    action,
    task,
    schedule,
    recur,
    host,
    group,
    find,
    ping,
    facts,
    web,
    executor,
    executors,
    agent,
    db,
    config,
    doctor,
    plugin,
):
    root.add_command(_command)
