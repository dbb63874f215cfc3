"""A form for every action and every declared operation, made from its schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.errors import UnknownActionError
from mcoflow.services.actions import ActionView, action_named, action_view, all_actions, is_action
from mcoflow.services.asking import Asking
from mcoflow.services.fields import Order
from mcoflow.services.json_schema import faults as schema_faults
from mcoflow.services.operations import Operations, OperationView, is_operation
from mcoflow.services.placing import Faults, Placing, named_hosts, where_of
from mcoflow.services.portions import PORTIONED, OrderPreview
from mcoflow.services.schema_fields import InputField, input_fields, values_of

INPUT: Final = "input."
"""Before the names of input fields, so that none can be one of ours."""
_OURS: Final = frozenset({"hosts", "check", "target", "limit", "one", "seed", "rollout"})
"""Keys that say where and how: they have fields of their own, or none here."""


@dataclass(frozen=True, slots=True)
class NewForm:
    """One form. `hosts`, `check`: whether it takes hosts, and can predict; `schema` is of `fields` alone.

    `portions`: it takes a target and portions, too, as the shipped actions do.
    """

    name: str
    title: str
    summary: str
    hosts: bool
    check: bool
    fields: Sequence[InputField]
    schema: Mapping[str, Any]
    operation: bool = False
    portions: bool = False

    @property
    def command(self) -> str:
        """The equal command line, with what has to be given."""
        sets = [
            f"--set {each.name}{'=' if each.kind == 'text' else ':='}…"
            for each in self.fields
            if each.required
        ]
        return " ".join(["mcoflow run", self.name, *(["--host HOST"] if self.hosts else []), *sets])


class New:
    """The use cases of forms by schema."""

    def __init__(self, operations: Operations, asking: Asking, registry: Registry = REGISTERED) -> None:
        self._operations, self._asking, self._registry = operations, asking, registry

    def list(self) -> tuple[Sequence[ActionView], Sequence[OperationView]]:
        """All actions, and all operations that hosts declare."""
        return all_actions(self._registry), self._operations.list()

    def form(self, name: str) -> NewForm:
        """The form of an action or operation; UnknownActionError."""
        if is_operation(name) and not is_action(name, self._registry):
            return _of_operation(self._operations.show(name))
        action = action_named(name, self._registry)
        if not action.title:
            raise UnknownActionError(f"the action {name!r} is a part of others, and not run by itself")
        if action.Input is None:
            raise UnknownActionError(f"the action {name!r} declares no Input: run it with `mcoflow run`")
        view, schema = action_view(action), action.Input.model_json_schema()
        known = schema.get("properties", {})
        own = _without_ours(schema)
        return NewForm(
            name=view.name,
            title=view.title,
            summary=view.summary,
            hosts="hosts" in known,
            check="check" in known,
            fields=input_fields(own),
            schema=own,
            portions=PORTIONED in known,
        )

    def confirmed(self, form: NewForm, filled: Mapping[str, str], placing: Placing) -> Order:
        """Return what to submit, for people: of many hosts the number was typed.

        Raises:
            FormInvalidError: names every field that is wrong, those of the input as `input.<name>`.
        """
        faults = Faults()
        order = self._read(form, filled, placing, faults)
        self._asking.confirm(order, placing, faults)
        return order

    def preview(self, form: NewForm, filled: Mapping[str, str], placing: Placing) -> OrderPreview:
        """Tell where it would go, in which waves, and what hosts go through; FormInvalidError."""
        faults = Faults()
        order = self._read(form, filled, placing, faults)
        faults.check()
        return self._asking.preview(order)

    def usual(self, form: NewForm, filled: Mapping[str, str], placing: Placing) -> Placing:
        """Return the fields with the portions that many hosts have by default, unless it was said how."""
        faults = Faults()
        order = self._read(form, filled, placing, faults)
        return placing if faults.found else self._asking.usual(order, placing)

    def _read(self, form: NewForm, filled: Mapping[str, str], placing: Placing, faults: Faults) -> Order:
        where: Mapping[str, Any] = {}
        if form.hosts:
            where = where_of(placing, faults) if form.portions else named_hosts(placing, faults)
        values, unreadable = values_of(form.fields, filled)
        for path, why in {**schema_faults(form.schema, values), **unreadable}.items():
            faults.found[f"{INPUT}{path.partition('.')[0]}"] = why
        check = form.check and placing.check
        if form.operation:
            return self._operations.order(form.name, where, values, check=check)
        given = {**where, **({"check": True} if check else {}), **values}
        return Order(action_named(form.name, self._registry).name, given)


def _of_operation(found: OperationView) -> NewForm:
    return NewForm(
        name=found.name,
        title=found.name,
        summary=found.summary,
        hosts=True,
        check=found.check,
        fields=input_fields(found.input),
        schema=found.input,
        operation=True,
        portions=True,
    )


def _without_ours(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {name: found for name, found in schema.get("properties", {}).items() if name not in _OURS}
    required = [name for name in schema.get("required", ()) if name not in _OURS]
    return {**schema, "properties": kept, "required": required}
