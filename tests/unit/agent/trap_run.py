"""Run beside a test, with fake tools first in PATH: offers hostile arguments to the real providers.

It reads one JSON list of [operation, args, check] and prints one JSON list of what became of each. It loads
pyinfra, which the process of the tests never does.
"""

import json
import sys
from pathlib import Path
from typing import Any

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.execution import RefusedError
from mcoflow.agent.init_system import InitSystem
from mcoflow.agent.operations import Context
from mcoflow.agent.providers.choice import ChosenProviders
from mcoflow.errors import McoflowError, OperationFailedError


def outcome(catalogue: LoadedCatalogue, context: Context, operation: str, args: dict[str, Any]) -> Any:
    agent, _, name = operation.partition(".")
    try:
        return catalogue.declared(agent, name).perform(args, context)
    except RefusedError as error:
        return error.reason.value
    except OperationFailedError as error:
        return error.reason
    except McoflowError as error:
        return type(error).__name__


def main() -> None:
    folder, init = Path(sys.argv[1]), InitSystem(sys.argv[2])
    providers = ChosenProviders("pyinfra", init, 1.0, folder)
    catalogue = LoadedCatalogue(["package", "service"])
    ends = []
    for operation, args, check in json.load(sys.stdin):
        context = Context(
            host="trap",
            check=check,
            packages=providers.packages,
            services=providers.services,
            facts=dict,
        )
        ends.append(outcome(catalogue, context, operation, args))
    sys.stdout.flush()
    (folder / "ends.json").write_text(json.dumps(ends))


main()
