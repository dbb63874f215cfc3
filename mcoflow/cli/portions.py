"""--batch, --budget and their like: in which portions hosts get their turn."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from mcoflow.cli.options import Seconds

Option = Callable[[Callable[..., None]], Callable[..., None]]

PORTIONS: Final[Sequence[Option]] = (
    click.option("--batch", metavar="N|N%", help="So many hosts at a time, wave after wave."),
    click.option(
        "--canary", type=click.IntRange(0), metavar="N", help="So many first; none of them may fail."
    ),
    click.option(
        "--wave-wait", type=Seconds(), metavar="SECONDS", help="Wait between two waves: 30, or 10m, 1h."
    ),
    click.option("--concurrency", type=click.IntRange(1), metavar="N", help="So many under way at a time."),
    click.option("--budget", metavar="N|N%", help="So many hosts may fail; then nothing more begins."),
    click.option(
        "--on-exceed",
        type=click.Choice(["pause", "stop"]),
        help="What happens then: a person decides, or it is over.  [default: pause]",
    ),
    click.option(
        "--offline",
        type=click.Choice(["wait", "skip", "fail"]),
        help="Hosts that are not online.  [default: wait]",
    ),
    click.option(
        "--all-at-once", is_flag=True, help="No waves. Over 20 hosts there are some, unless you say how."
    ),
)
"""Options of commands that make tasks."""
NAMES: Final = (
    "batch",
    "canary",
    "wave_wait",
    "concurrency",
    "budget",
    "on_exceed",
    "offline",
    "all_at_once",
)
_KEYS: Final = {"wave_wait": "wait", "budget": "max_failures"}


def rollout_of(said: dict[str, Any]) -> dict[str, Any]:
    """Return the `rollout` of an action's input from the options; empty if none was given.

    Raises:
        UsageError: all hosts at once, and in portions; or no number of hosts, with the option.
    """
    _check_share("--batch", said.get("batch"), least=1)
    _check_share("--budget", said.get("budget"))
    given = {key: value for key, value in said.items() if value is not None and value is not False}
    if given.pop("all_at_once", False):
        if "batch" in given or "canary" in given:
            raise click.UsageError("--all-at-once, or --batch and --canary: not both")
        given["batch"] = "100%"
    return {_KEYS.get(key, key): value for key, value in given.items()}


def _check_share(option: str, text: str | None, *, least: int = 0) -> None:
    """Refuse what no portion can be by the name under which it was given; BadParameter."""
    if text is None:
        return
    from mcoflow.domain.rollout import Share
    from mcoflow.errors import RolloutInvalidError

    try:
        share = Share.parse(text)
    except RolloutInvalidError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
    if share.number < least:
        raise click.BadParameter(f"a wave has one host at least, so it must not be {text}", param_hint=option)
