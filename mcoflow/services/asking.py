"""What all forms ask before an order is given: where it would go, and whether so many hosts are meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from mcoflow.errors import FormInvalidError, InputInvalidError, TargetError
from mcoflow.services.fields import Order
from mcoflow.services.placing import CONFIRM_ABOVE, Faults, Placing, check_number
from mcoflow.services.portions import OrderPreview, Portions

P = TypeVar("P", bound=Placing)


class Asking:
    """Looks at orders before they are given; nothing is stored."""

    def __init__(self, portions: Portions) -> None:
        self._portions = portions

    def preview(self, order: Order, *others: Order) -> OrderPreview:
        """Tell where it would go, in which waves, and what each host would go through.

        `others` are orders for the same hosts. FormInvalidError names the field that is wrong.
        """
        return self._found(order, lambda: self._portions.look(order, *others))

    def where(self, order: Order) -> OrderPreview:
        """Tell where it would go and in which waves, as `preview` does."""
        return self._found(order, lambda: self._portions.preview(order))

    def confirm(self, order: Order, placing: Placing, faults: Faults) -> None:
        """Raise FormInvalidError unless all is right, and the number of many hosts was typed.

        It has to be typed as well if some hosts do not offer what is asked for; if none does, the order is
        refused. While there are other faults, only hosts that are named can be counted.
        """
        named = order.arguments.get("hosts", ())
        if faults.found or not (named or "target" in order.arguments):
            check_number(placing, len(named), faults)
            return faults.check()
        found = self.preview(order)
        if refusal := next((each for each in found.lacking if each.nobody), None):
            raise FormInvalidError({_field(order): f"{refusal.words}: {refusal.way_out}"})
        check_number(placing, found.expected, faults, found.lacking)
        return faults.check()

    def _found(self, order: Order, look: Callable[[], OrderPreview | None]) -> OrderPreview:
        try:
            found = look()
        except TargetError as error:
            raise FormInvalidError({_field(order): str(error)}) from None
        except InputInvalidError as error:
            raise FormInvalidError({"form": str(error)}) from None
        if found is None or not found.matched:
            raise FormInvalidError({_field(order): "no host that is known is meant"})
        return found

    def usual(self, order: Order, placing: P) -> P:
        """Return the fields with the portions that many hosts have by default, for everybody to see.

        They come back as they are if it was said how, or are few.
        """
        if any(text.strip() for text in placing.portions.values()):
            return placing
        try:
            found = self.where(order)
        except FormInvalidError:
            return placing
        how = found.how
        if found.expected <= CONFIRM_ABOVE or how is None or len(found.waves) <= 1:
            return placing
        usual = {"batch": str(how.batch), "canary": str(how.canary), "max_failures": str(how.max_failures)}
        return replace(placing, portions={**placing.portions, **usual})


def _field(order: Order) -> str:
    return "target" if "target" in order.arguments else "hostname"
