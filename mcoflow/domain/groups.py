"""Groups: targets with a name, and what a target means once their names are replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mcoflow.domain.target import Target, checked_depth, replace_groups
from mcoflow.errors import GroupNotFoundError, TargetInvalidError


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group as it is stored: `target` is the text that somebody wrote, `at` when, in Unix seconds."""

    name: str
    target: str
    user: str
    at: float


def without_groups(target: Target, groups: Iterable[GroupRecord]) -> Target:
    """Return the target with all groups replaced by what they mean, however deep.

    Raises:
        GroupNotFoundError: there is no such group.
        TargetInvalidError: a group is made of itself, or all of it is too deep for a message.
    """
    if not target.groups:
        return target
    texts = {group.name: group.target for group in groups}
    known: dict[str, Target] = {}
    for name in sorted(target.groups):
        _learn(name, texts, known, ())
    return checked_depth(replace_groups(target, known))


def _learn(name: str, texts: Mapping[str, str], known: dict[str, Target], path: tuple[str, ...]) -> None:
    """Find out what a group means, and those that it is made of."""
    from mcoflow.domain.target_text import parse_target

    if name in path:
        raise TargetInvalidError(f"the group {name} is made of itself: {' → '.join((*path, name))}")
    if name in known:
        return
    if name not in texts:
        raise GroupNotFoundError(name, texts)
    target = parse_target(texts[name])
    for inner in sorted(target.groups):
        _learn(inner, texts, known, (*path, name))
    known[name] = replace_groups(target, known)
