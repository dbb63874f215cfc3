"""What every store promises. An adapter inherits it and gives a `url` of an empty database."""

from collections.abc import Iterator

import pytest

from mcoflow.clock import SystemClock
from mcoflow.storage import SqlStore, open_store
from mcoflow.testing.contracts.store_chunks import ChunksContract
from mcoflow.testing.contracts.store_commits import BatchContract, FenceContract, NewPlansContract
from mcoflow.testing.contracts.store_discoveries import DiscoveriesContract
from mcoflow.testing.contracts.store_fleet import FleetContract
from mcoflow.testing.contracts.store_halting import AddedStepsContract, HaltContract
from mcoflow.testing.contracts.store_hooks import HooksContract
from mcoflow.testing.contracts.store_leases import (
    ClaimContract,
    CommandsContract,
    OversightContract,
    WaitingContract,
    WorldsContract,
)
from mcoflow.testing.contracts.store_locks import LocksContract
from mcoflow.testing.contracts.store_many import ManyPlansContract
from mcoflow.testing.contracts.store_output import OutputContract
from mcoflow.testing.contracts.store_reading import HostsContract, PagesContract, StepsContract
from mcoflow.testing.contracts.store_recurrences import RecurrencesContract
from mcoflow.testing.contracts.store_requests import RequestsContract
from mcoflow.testing.contracts.store_rollouts import RolloutsContract
from mcoflow.testing.contracts.store_schedules import ChainsContract, SchedulesContract
from mcoflow.testing.contracts.store_search import DeletingContract, SearchContract
from mcoflow.testing.contracts.store_sub_plans import SubPlansContract
from mcoflow.testing.contracts.store_targets import TargetsContract


class StoreContract(
    NewPlansContract,
    BatchContract,
    FenceContract,
    RequestsContract,
    ChunksContract,
    OutputContract,
    WaitingContract,
    WorldsContract,
    OversightContract,
    ClaimContract,
    CommandsContract,
    LocksContract,
    SubPlansContract,
    RolloutsContract,
    FleetContract,
    HaltContract,
    AddedStepsContract,
    HooksContract,
    SearchContract,
    DeletingContract,
    ManyPlansContract,
    PagesContract,
    StepsContract,
    HostsContract,
    TargetsContract,
    DiscoveriesContract,
    SchedulesContract,
    ChainsContract,
    RecurrencesContract,
):
    """E-106: the whole contract, on each database."""

    @pytest.fixture
    def store(self, url: str) -> Iterator[SqlStore]:
        opened = open_store(url, SystemClock())
        yield opened
        opened.close()
