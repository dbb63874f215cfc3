"""An executor that runs plans with much output, and says how much memory it holds before and after."""

import gc
import resource
import sys
from pathlib import Path
from uuid import UUID

from mcoflow.action import Action
from mcoflow.domain.states import PlanState
from tests.unit.engine.house import House, open_house
from tests.waiting import until

WAVE = 20
"""Plans that run at the same time."""


class Talkative(Action):
    """Puts out 10 kB."""

    name = "resting_process.talkative"

    def run(self) -> None:
        self.output["text"] = str(self.input["number"]).rjust(10_000, "x")


class Fifty(Action):
    """Plans fifty of them."""

    name = "resting_process.fifty"

    def plan(self) -> None:
        for number in range(50):
            self.plan_action(Talkative, number=number)


def held() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def run(house: House, plans: int) -> None:
    for _ in range(0, plans, WAVE):
        ids: list[UUID] = [house.trigger(Fifty) for _ in range(min(plans, WAVE))]
        until(
            lambda: all(house.store.plan(plan_id).state is PlanState.STOPPED for plan_id in ids),  # noqa: B023
            "the plans have ended",
            within=120,
        )


def main(plans: int) -> None:
    with open_house() as house:
        house.another()
        run(house, WAVE)
        before = held()
        run(house, plans)
        sys.stdout.write(f"{held() - before}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
