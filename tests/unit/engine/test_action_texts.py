"""Inputs and outputs that the director keeps at hand."""

from collections.abc import Collection, Mapping
from typing import cast
from uuid import UUID

from mcoflow.engine.memory import ActionTexts
from mcoflow.engine.patient import PatientStore
from mcoflow.ports.store import ActionKey

PLAN = UUID(int=1)
HOSTS = 10_000


class Texts:
    """A store of texts that counts how often it is asked."""

    def __init__(self, length: int) -> None:
        self.asked = 0
        self._text = "x" * length

    def action_data(self, keys: Collection[ActionKey]) -> Mapping[ActionKey, tuple[str, str]]:
        """Return a text for each."""
        self.asked += 1
        return dict.fromkeys(keys, (self._text, "{}"))


def texts_over(store: Texts) -> ActionTexts:
    return ActionTexts(cast(PatientStore, store))


def keys() -> list[ActionKey]:
    return [(PLAN, number) for number in range(HOSTS)]


def test_the_inputs_of_a_plan_on_ten_thousand_hosts_are_read_once() -> None:
    store = Texts(length=100)
    texts = texts_over(store)
    texts.load(keys())
    texts.trim()
    for key in keys():
        texts.load([key])
        assert texts.get(key) == ("x" * 100, "{}")
    assert store.asked == 1


def test_long_texts_are_forgotten_oldest_first_and_read_again() -> None:
    store = Texts(length=64 * 1024)
    texts = texts_over(store)
    for key in keys()[:1000]:
        texts.load([key])
        texts.trim()
    read = store.asked
    texts.load(keys()[999:1000])
    assert store.asked == read
    texts.load(keys()[:1])
    assert store.asked == read + 1


def test_what_was_dropped_or_written_again_leaves_the_room_it_took() -> None:
    store = Texts(length=100)
    texts = texts_over(store)
    for _ in range(300):
        texts.put((PLAN, 0), ("x" * 100_000, "{}"))
        texts.put((PLAN, 1), ("x" * 100_000, "{}"))
        texts.drop([(PLAN, 1)])
        texts.trim()
    texts.load([(PLAN, 0)])
    assert store.asked == 0
