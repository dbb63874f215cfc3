"""What all forms ask before an order is given: where it would go, and whether so many hosts are meant."""

from __future__ import annotations

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

    def preview(self, order: Order) -> OrderPreview:
        """Tell where it would go and in which waves; FormInvalidError names the field that is wrong."""
        field = "target" if "target" in order.arguments else "hostname"
        try:
            found = self._portions.preview(order)
        except TargetError as error:
            raise FormInvalidError({field: str(error)}) from None
        except InputInvalidError as error:
            raise FormInvalidError({"form": str(error)}) from None
        if found is None or not found.matched:
            raise FormInvalidError({field: "no host that is known is meant"})
        return found

    def confirmed(self, order: Order, placing: Placing) -> Order:
        """Return the order if, of a target's many hosts, the number was typed; else FormInvalidError."""
        if "target" in order.arguments:
            faults = Faults()
            check_number(placing, self.preview(order).expected, faults)
            faults.check()
        return order

    def usual(self, order: Order, placing: P) -> P:
        """Return the fields with the portions that many hosts have by default, for everybody to see.

        They come back as they are if it was said how, or are few.
        """
        if any(text.strip() for text in placing.portions.values()):
            return placing
        try:
            found = self.preview(order)
        except FormInvalidError:
            return placing
        how = found.how
        if found.expected <= CONFIRM_ABOVE or how is None or len(found.waves) <= 1:
            return placing
        usual = {"batch": str(how.batch), "canary": str(how.canary), "max_failures": str(how.max_failures)}
        return replace(placing, portions={**placing.portions, **usual})
