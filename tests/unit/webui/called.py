"""Actions with sub-plans, for pages and commands that show them."""

from collections.abc import Iterable

from mcoflow.action import Action, SubPlan, WithSubPlans


class Greet(Action):
    title = "Greet"

    def run(self) -> None:
        if self.input["who"] == "nobody":
            raise RuntimeError("nobody is there")


class GreetAll(WithSubPlans):
    title = "Greet all"

    def total_count(self) -> int:
        return len(self.input["who"])

    def sub_plans(self, start: int, size: int) -> Iterable[SubPlan]:
        return [SubPlan(Greet, kwargs={"who": who}) for who in self.input["who"][start : start + size]]
