"""Trees for the zoo, drawn by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Node = list[Any]
RESCUES = ("pause", "pause", "skip", "fail", "revert")
HOSTS = ("bad", "echo", "gone", "good", "torn", "mute", "slow", "again")


def _leaf(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    return st.builds(
        lambda drawn: [kind, {k: v for k, v in drawn.items() if v}], st.fixed_dictionaries(fields)
    )


_few = st.sampled_from([0, 0, 0, 1, 2])
_seldom = st.sampled_from([False, False, False, True])
_rescue = st.sampled_from(RESCUES)
_once = {
    "run": _few,
    "finalize": _seldom,
    "revert": _seldom,
    "on_skip": _seldom,
    "warn": _seldom,
    "reads": st.booleans(),
    "number": st.integers(1, 9),
    "rescue": _rescue,
}
_lock = st.tuples(
    st.sampled_from(["a", "b"]), st.sampled_from(["exclusive", "shared"]), st.sampled_from(["fail", "wait"])
).map(list)
_plain: list[st.SearchStrategy[Node]] = [
    _leaf("once", **_once),
    _leaf("again", **{**_once, "run": st.integers(0, 4)}),
    _leaf("deaf", rescue=_rescue),
    _leaf("poller", polls=st.integers(1, 4), shaky=st.booleans(), rescue=_rescue),
    _leaf("remote", host=st.sampled_from(HOSTS), rescue=_rescue),
    _leaf("asker", host=st.sampled_from(HOSTS), rescue=_rescue),
    _leaf(
        "sleeper",
        cancel=st.sampled_from(["obey", "finish", "fail", "sleep"]),
        remind=st.booleans(),
        rescue=_rescue,
    ),
]
_kids = st.lists(
    st.one_of(_plain[0], _plain[1], _plain[2], _plain[4], st.just(["unplannable", {}])), max_size=5
)
_herd = _leaf(
    "herd",
    kids=_kids.map(lambda kids: kids or [["S", []]]),
    concurrency=st.sampled_from([None, 1, 2]),
    spacing=st.sampled_from([None, None, 3]),
    window=st.sampled_from([None, None, 10]),
    max_failures=st.sampled_from([None, None, 1]),
    lenient=st.booleans(),
    rescue=_rescue,
)
_locking = _leaf(
    "lonely", locks=st.lists(_lock, min_size=1, max_size=2), long=st.booleans(), run=_few, rescue=_rescue
)
_patient = st.just(["sleeper", {"patient": True, "cancel": "obey"}])
leaves: st.SearchStrategy[Node] = st.one_of(*_plain, *_plain, _herd, _herd, _locking, _locking, _patient)
trees: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda below: st.tuples(st.sampled_from("SSC"), st.lists(below, max_size=4)).map(list),
    max_leaves=6,
)
"""No lists but of JSON: they are arguments of plans."""
