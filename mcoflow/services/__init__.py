"""Use cases in plain values, for the web pages and the command line."""

from collections.abc import Sequence
from dataclasses import dataclass

from mcoflow.clock import Clock
from mcoflow.domain.requests import Cover
from mcoflow.engine.targets import HostFinder
from mcoflow.ports.engine import Admissions, Engine
from mcoflow.ports.fleet import StepsWanted, Verdict
from mcoflow.ports.listing import Listing
from mcoflow.ports.observer import Exposition
from mcoflow.ports.store import Reader
from mcoflow.services.acting import Acting
from mcoflow.services.acts import Act, acts_of
from mcoflow.services.asking import Asking
from mcoflow.services.catalogue import Catalogue, Entry, EntryKind
from mcoflow.services.contract import Contract
from mcoflow.services.discoveries import Discoveries
from mcoflow.services.executors import Executors
from mcoflow.services.fact_counts import FactCounts
from mcoflow.services.fields import Filled, Order
from mcoflow.services.fleet import Fleet
from mcoflow.services.form import Echo, Form
from mcoflow.services.health import Health
from mcoflow.services.hosts import Hosts
from mcoflow.services.new import New
from mcoflow.services.offers import Offers
from mcoflow.services.operating import Operating
from mcoflow.services.operations import Operations
from mcoflow.services.orders import Asked, Orders, RolloutInput
from mcoflow.services.output import Output
from mcoflow.services.plans import Filter, Plans
from mcoflow.services.portions import OrderPreview, Portions
from mcoflow.services.rehearsals import Rehearsals
from mcoflow.services.rerun import Rerun
from mcoflow.services.schedules import Schedules
from mcoflow.services.targets import Preview, Targets

__all__ = [
    "Act",
    "Acting",
    "Asked",
    "Catalogue",
    "Contract",
    "Cover",
    "Discoveries",
    "Echo",
    "Entry",
    "EntryKind",
    "Executors",
    "FactCounts",
    "Filled",
    "Filter",
    "Fleet",
    "Form",
    "Health",
    "Hosts",
    "Listing",
    "New",
    "Operating",
    "Operations",
    "Order",
    "OrderPreview",
    "Orders",
    "Output",
    "Plans",
    "Portions",
    "Preview",
    "Rerun",
    "RolloutInput",
    "Schedules",
    "Services",
    "StepsWanted",
    "Targets",
    "Verdict",
    "acts_of",
    "build_services",
]


@dataclass(frozen=True, slots=True)
class Services:
    """All use cases, bound to one engine and one store; `metrics` is None where nothing is observed."""

    plans: Plans
    fleet: Fleet
    operating: Operating
    rerun: Rerun
    acting: Acting
    orders: Orders
    schedules: Schedules
    executors: Executors
    hosts: Hosts
    operations: Operations
    output: Output
    targets: Targets
    portions: Portions
    discoveries: Discoveries
    facts: FactCounts
    admissions: Admissions
    form: Form
    new: New
    catalogue: Catalogue
    contract: Contract
    health: Health
    clock: Clock
    metrics: Exposition | None = None


def build_services(
    engine: Engine,
    reader: Reader,
    clock: Clock,
    metrics: Exposition | None = None,
    *,
    broken_actions: Sequence[str] = (),
) -> Services:
    """Bind the use cases to an engine, a store to read from, and a clock.

    `broken_actions`: why actions of packages cannot be loaded, for everybody to know.
    """
    hosts, operations = Hosts(reader, clock), Operations(reader)
    finder = HostFinder(reader, clock)
    targets = Targets(engine, finder)
    portions = Portions(targets, hosts, operations, Rehearsals(engine), Offers(reader))
    asking = Asking(portions)
    plans, schedules = Plans(engine, reader, clock, operations), Schedules(engine, reader, clock, operations)
    operating, rerun = Operating(engine), Rerun(engine, reader, reader)
    return Services(
        plans=plans,
        fleet=Fleet(reader, clock),
        operating=operating,
        rerun=rerun,
        acting=Acting(plans, operating, rerun),
        orders=Orders(
            engine,
            reader,
            plans=plans,
            schedules=schedules,
            operations=operations,
            portions=portions,
        ),
        schedules=schedules,
        executors=Executors(engine, reader),
        hosts=hosts,
        operations=operations,
        output=Output(reader),
        targets=targets,
        portions=portions,
        discoveries=Discoveries(engine, reader),
        facts=FactCounts(finder, reader),
        admissions=engine.admissions,
        form=Form(hosts, asking),
        new=New(operations, asking),
        catalogue=Catalogue(operations),
        contract=Contract(engine, reader, operations),
        health=Health(engine, reader, broken_actions),
        clock=clock,
        metrics=metrics,
    )
