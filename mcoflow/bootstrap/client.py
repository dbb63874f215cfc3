"""What a command needs that looks at tasks, makes them and commands them: the database, nothing else."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

from mcoflow.bootstrap.actions import load_actions
from mcoflow.clock import SystemClock
from mcoflow.config import Config
from mcoflow.errors import StoreUnavailableError

if TYPE_CHECKING:
    from mcoflow.services import Services


@contextmanager
def client(config: Config, tell: Callable[[str], None] | None = None) -> Iterator["Services"]:
    """The use cases, without a connection to the bus: executors find what is stored within 0.25 s.

    `tell` hears of packages whose actions cannot be loaded; all else works.

    Raises:
        StoreUnavailableError: the database is away, or was not made yet.
        SchemaTooNewError, SchemaTooOldError: it is of another release.
    """
    from mcoflow.engine.world import World
    from mcoflow.services import build_services
    from mcoflow.storage import open_store

    url = str(config.server.database)
    _check_exists(url)
    broken = load_actions()
    if tell is not None:
        for reason in broken:
            tell(reason)
    clock = SystemClock()
    with closing(open_store(url, clock, migrate=False)) as store:
        world = World(store, None, clock=clock, chance=SystemRandom(), executor=False)
        with world:
            yield build_services(world, store, clock, broken_actions=broken)


def _check_exists(url: str) -> None:
    """Raise StoreUnavailableError if there is no database file that we may use; clients make none."""
    kind, _, path = url.partition(":///")
    if kind != "sqlite":
        return
    try:
        Path(path).stat()
    except FileNotFoundError:
        raise StoreUnavailableError(f"there is no database {path} yet: `mcoflow up` makes it") from None
    except OSError as error:
        raise StoreUnavailableError(
            f"the database {path} cannot be used: {error.strerror}; be the user who started mcoflow"
        ) from None
