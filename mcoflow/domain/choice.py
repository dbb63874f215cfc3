"""Which of the hosts that a target means are taken: all, so many, or one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Self

from mcoflow.domain.rollout import Share
from mcoflow.errors import InputInvalidError, RolloutInvalidError


@dataclass(frozen=True, slots=True)
class Choice:
    """How many of them: `limit` at the most, by name; `one` that is online; at random with a `seed`.

    Equal seeds choose equally among equal hosts, so that a recorded seed tells what was done.
    """

    limit: Share | None = None
    one: bool = False
    seed: int | None = None

    @classmethod
    def of(cls, limit: str | int | None = None, *, one: bool = False, seed: int | None = None) -> Self:
        """Read a choice.

        Raises:
            InputInvalidError: the limit is no number and no share, or 0, or contradicts `one`; there is a
                seed and nothing to be drawn.
        """
        if one and limit is not None:
            raise InputInvalidError("ask for one host or give a limit, not both")
        try:
            share = None if limit is None else Share.parse(limit)
        except RolloutInvalidError as error:
            raise InputInvalidError(str(error)) from None
        if share is not None and not share.number:
            raise InputInvalidError("a limit of 0 hosts would run nothing: give 1 or more, or no limit")
        if seed is not None and share is None and not one:
            raise InputInvalidError(
                "a seed chooses some of the hosts: say how many with a limit, or ask for one"
            )
        return cls(share, one, seed)

    def among(self, names: Sequence[str], online: Collection[str]) -> Sequence[str]:
        """Return the names that are taken, in order; never more than the limit."""
        ordered = sorted(names)
        if self.one:
            ordered = [name for name in ordered if name in online]
        number = 1 if self.one else self.limit.of(len(ordered)) if self.limit else len(ordered)
        if self.seed is None or number >= len(ordered):
            return ordered[:number]
        return sorted(Random(self.seed).sample(ordered, number))  # noqa: S311 - a draw that can be repeated
