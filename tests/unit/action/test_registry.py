"""Actions by name."""

import pytest

from mcoflow.action import Action, Registry
from mcoflow.errors import ConfigurationError, PhaseError, UnknownActionError


class First(Action):
    """One."""

    name = "registry.first"
    former_names = ("registry.zeroth",)
    title = "First"


class Part(Action):
    """No title: a part of others."""

    name = "registry.part"


def registry() -> Registry:
    made = Registry()
    made.add(First)
    made.add(Part)
    return made


def test_a_class_is_found_by_its_name_and_by_former_ones() -> None:
    """E-086: a former name loads as the renamed class."""
    assert registry().find("registry.first") is registry().find("registry.zeroth") is First


def test_people_are_offered_those_with_a_title() -> None:
    assert registry().names() == ["registry.first"]
    assert set(registry()) == {First, Part}


def test_an_unknown_name_is_refused_and_the_nearest_is_named() -> None:
    with pytest.raises(UnknownActionError, match=r"did you mean 'registry\.first'"):
        registry().find("registry.frist")
    with pytest.raises(UnknownActionError, match=r"there are registry\.first"):
        registry().find("x" * 10_000)


def test_a_name_belongs_to_one_class() -> None:
    with pytest.raises(ConfigurationError, match="taken by First"):

        class Other(Action):
            name = "registry.first"


def test_without_a_name_a_class_is_called_after_its_module() -> None:
    class Unnamed(Action):
        """Nothing."""

    assert Unnamed.name == f"{__name__}.{Unnamed.__qualname__}"


def test_what_an_action_has_is_what_it_defines() -> None:
    class Both(Action):
        name = "registry.both"

        def run(self, event: object) -> None:
            """Do."""

        def finalize(self) -> None:
            """Do."""

    assert (Both.has("run"), Both.has("finalize"), Both.takes_events()) == (True, True, True)
    assert (First.has("run"), First.has("finalize")) == (False, False)
    assert issubclass(PhaseError, Exception)
