"""The agent of a crash test as a process: URL, prefix of names, state directory, effects, name."""

import sys

from mcoflow.ports.bus_settings import BusSettings
from tests.crash.agent_parts import crash_agent
from tests.crash.serving import serve


def main(url: str, prefix: str, state_dir: str, effects: str, identity: str = "web1") -> None:
    """Run until TERM, or until killed."""
    serve(crash_agent(BusSettings(url=url, prefix=prefix), identity, state_dir, effects))


main(*sys.argv[1:])
