"""The order of middlewares."""

import pytest

from mcoflow.action import Action, Middleware, Middlewares
from mcoflow.action.chain import Chains
from mcoflow.action.middleware import Kinds, in_order
from mcoflow.errors import ConfigurationError


class A(Middleware):
    """One."""


class B(Middleware):
    """Another."""


class C(Middleware):
    """A third."""


class D(Middleware):
    """Never used."""


def order(*rules: Middlewares) -> str:
    return "".join(kind.__name__ for kind in in_order(rule for each in rules for rule in each.rules))


def using(*kinds: type[Middleware]) -> Middlewares:
    made = Middlewares()
    for kind in kinds:
        made = made.use(kind)
    return made


def test_without_rules_they_stand_as_they_were_added() -> None:
    """E-083: the first is outermost."""
    assert order(using(A, B), using(C)) == "ABC"


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [((A,), (), "CAB"), ((B,), (A,), "ACB"), ((), (B,), "ABC"), ((D,), (D,), "ABC"), ((A, B), (), "CAB")],
)
def test_before_and_after_move_only_what_they_have_to_and_absent_names_are_ignored(
    before: Kinds, after: Kinds, wanted: str
) -> None:
    """E-083: before goes around."""
    assert order(using(A, B).use(C, before=before, after=after)) == wanted


def test_what_is_replaced_leaves_its_place_and_its_rules() -> None:
    """E-083: rules of others about it are about the new one too."""
    assert order(using(A, B).use(C, replace=A)) == "CB"
    assert order(using(A).use(B, before=(A,)).use(C, replace=B)) == "CA"
    assert order(using(B).use(A, before=(B,)), Middlewares().use(C, replace=B)) == "AC"
    assert order(Middlewares().use(C, replace=B).use(A, before=(B,))) == "CA"
    assert order(using(B).use(C, replace=B).use(A, before=(B,))) == "AC"
    assert order(using(A, B, C).use(C, replace=A)) == "CB"


def test_what_replaces_what_is_not_there_is_just_used() -> None:
    assert order(using(A).use(C, replace=D)) == "AC"


def test_what_was_dropped_is_gone_and_may_come_back() -> None:
    """E-083: drop."""
    assert order(using(A, B), Middlewares().drop(A)) == "B"
    assert order(using(A, B), Middlewares().drop(A).use(A)) == "BA"
    assert order(using(A), Middlewares().drop(D)) == "A"


def test_used_twice_is_used_once() -> None:
    """A class may extend the rules of its base by name: the base's rules come twice."""
    assert order(using(A), using(A).use(B, before=(A,))) == "BA"


@pytest.mark.parametrize(
    "rules",
    [
        Middlewares().use(A, before=(B,)).use(B, before=(A,)),
        Middlewares().use(A, before=(B,)).use(B, before=(C,)).use(C, before=(A,)),
        Middlewares().use(D).use(A, after=(B,)).use(B, after=(A,)),
    ],
)
def test_a_cycle_is_refused_and_named(rules: Middlewares) -> None:
    """E-083: ConfigurationError."""
    with pytest.raises(ConfigurationError, match=r"around each other: .*A before") as refused:
        order(rules)

    assert "D" not in str(refused.value)


def test_a_cycle_in_the_rules_of_a_class_is_told_where_it_is_defined() -> None:
    """E-083: not when it is run at night."""
    with pytest.raises(ConfigurationError):

        class Circular(Action):
            middleware = Middlewares().use(A, before=(B,)).use(B, before=(A,))


def test_rules_are_values_that_do_not_change() -> None:
    base = using(A)
    base.use(B)

    assert order(base) == "A"


def test_a_class_without_middleware_has_nothing_around_it_and_is_resolved_once() -> None:
    class Plain(Action):
        """Nothing."""

    chains = Chains()

    assert chains.of(Plain) is chains.of(Plain)
    assert chains.of(Plain).layers == {}


def test_methods_that_a_middleware_does_not_define_cost_nothing() -> None:
    class Around(Middleware):
        def finalize(self, action: Action, proceed: object) -> None:
            """Stop."""

    class Wrapped(Action):
        middleware = Middlewares().use(Around)

    assert list(Chains().of(Wrapped).layers) == ["finalize"]
