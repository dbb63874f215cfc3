"""What people read of tasks and hosts on a terminal. Control characters of others are never passed on."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from mcoflow.cli.printout import harmless
from mcoflow.cli.steps import Told
from mcoflow.cli.times import told as moment
from mcoflow.domain.told import in_one_line, says
from mcoflow.services.output import size_words
from mcoflow.services.views import Fact, HostDetail, HostView, PlanView, ScheduleView, StepView

SHOWN: Final = 20
"""Steps whose result is told one by one."""
VALUES: Final = 120
"""Signs of what an operation returned that stand in the table of steps."""
CUT: Final = " …"
ASKED: Final = "operation"
_ONE_ASKED: Final = "operate_host"
"""The actions, of a task and of a step, that ask for an operation by its name, for what it returns."""
_LOG: Final = "log"
"""What it printed, among its values: the line about output leads there."""
_TIMING: Final = "duration_ms"
"""What stands beside the values of each operation; the table of steps has times of its own."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows in columns as wide as their widest text."""
    lines = [[visible(text) for text in row] for row in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = ([text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)


def visible(text: str) -> str:
    """Return the text with what a terminal would obey replaced."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


# -- tasks -----------------------------------------------------------------------------------------------


def plan_row(plan: PlanView, now: datetime) -> Sequence[str]:
    """Return a task for a list."""
    return (str(plan.id), plan.word, ago(plan.created_at, now), plan.words(), _title(plan, plan.played))


def plan(
    found: PlanView,
    steps: Sequence[Told],
    called: Mapping[str, int],
    now: datetime,
    *,
    fleet: Sequence[str] = (),
    played: str | None = None,
    simulated: Collection[str] = (),
    printed: int = 0,
    why: str | None = None,
    last: Sequence[str] = (),
) -> str:
    """Return a task with its steps, how many sub-plans it `called`, and what can be done with it now.

    `fleet`: lines about its hosts, in place of the steps. `played`: how many of them are simulated, counted;
    `simulated`: which of those whose steps are shown.
    `printed`: bytes of output that there is; `last`: the last lines of it.
    `why`: what the steps, or the lines about hosts, do not say.
    """
    told = any(problem and problem in found.explanation for problem in map(_problem, steps))
    reason = found.explanation if why is None else why
    facts = {
        "id": str(found.id),
        "made": ago(found.created_at, now) + (f" by {found.user}" if found.user else ""),
        "took": took(found.duration),
        "steps": "" if found.schedule else found.words(),
        "why": "" if told else reason,
        "got": _got(found, steps),
        "out": f"it printed {size_words(printed)}: mcoflow task output {found.id}" if printed else "",
        "for": f"task {found.caller}" if found.caller else "",
        "tasks": _called(found, called),
        "hint": _children_first(found, called),
        **(_waiting(found.schedule) if found.schedule else {}),
    }
    lines = [f"{visible(_title(found, found.played if played is None else played))}: {found.word}"]
    lines += [f"  {key:<5}  {visible(value)}" for key, value in facts.items() if value]
    if steps:
        lines += ["", step_table(steps, simulated)]
    lines += ["", *fleet] if fleet else []
    lines += ["", *last] if last else []
    if found.counters.total > len(steps) and not fleet:
        lines.append(f"… of {found.counters.total} steps; --output json tells more of them")
    return "\n".join(lines + _ways_on(found, fleet))


def _called(found: PlanView, called: Mapping[str, int]) -> str:
    """Return how the sub-plans of a task stand, and how to list them."""
    if not called:
        return ""
    counted = ", ".join(f"{number} {word}" for word, number in called.items() if word != "all")
    noun = "sub-plan" if called["all"] == 1 else "sub-plans"
    return f"{called['all']} {noun}: {counted}; mcoflow task list --of {found.id}"


def _children_first(found: PlanView, called: Mapping[str, int]) -> str:
    """Return what to do before a task is resumed whose sub-plans are paused."""
    number = called.get("paused", 0)
    if found.word != "paused" or not number:
        return ""
    those = "the paused one" if number == 1 else f"the {number} paused ones"
    return f"resume, skip or cancel {those} first: mcoflow task list --of {found.id} --filter paused"


def _waiting(schedule: ScheduleView) -> Mapping[str, str]:
    return {"from": moment(schedule.start_at), "waits": f"for {schedule.words}"}


def step_table(steps: Sequence[Told], simulated: Collection[str] = ()) -> str:
    """Return steps as a table; `simulated`: those of their hosts that are."""
    rows, seen = list[Sequence[str]](), dict[str, int]()
    for each in steps:
        problem = _problem(each)
        before = next((step for text, step in seen.items() if problem and says(text, problem)), None)
        said = _said(each, problem) if before is None else f"as in step {before}"
        rows.append(
            (str(each.step.id), _host_of(each.step, simulated), what(each.step), each.step.words, said)
        )
        seen.setdefault(problem, each.step.id)
    return table(("step", "host", "what", "state", ""), rows)


def _host_of(step: StepView, simulated: Collection[str]) -> str:
    return marked(step.host, simulated=step.host in simulated) if step.host else ""


def marked(host: str, *, simulated: bool) -> str:
    """Return a host as it stands in a list."""
    return f"{host} (simulated)" if simulated else host


def step_line(step: StepView) -> str:
    """Return one step as a line of progress."""
    return visible(": ".join(part for part in (step.host or "", what(step), step.words) if part))


def named(step: StepView) -> str:
    """Return what a step does, and where: `Install package nginx on web1`."""
    return visible(f"{what(step)} on {step.host}" if step.host else what(step))


def what(step: StepView) -> str:
    """Return what a step does: `Install package nginx`."""
    return f"{step.title} {step.subject}".rstrip()


def change(output: Mapping[str, Any]) -> str:
    """Return what a change on a host did: `absent → 1.22`; empty for what is no change."""
    if "changed" not in output:
        return ""
    before, after = (str(output.get(key) or "absent") for key in ("before", "after"))
    return f"{before} → {after}" if output["changed"] else f"unchanged: {after}"


def _got(found: PlanView, steps: Sequence[Told]) -> str:
    """Return where all is told that hosts returned who were asked for it; nothing if the steps tell it."""
    whole = len(steps) == found.counters.total and not any(_returned(each).endswith(CUT) for each in steps)
    asked = found.action == ASKED and found.counters.done > 0
    return f"what its hosts returned: mcoflow task results {found.id}" if asked and not whole else ""


def values(output: Mapping[str, Any], *, but: Collection[str] = ()) -> str:
    """Return what an operation returned, in one line, `but` some of it: `boot: enabled, state: running`."""
    told = {key: value for key, value in output.items() if key != _TIMING and key not in but}
    return ", ".join(f"{key}: {_value(value)}" for key, value in told.items())


def _value(value: Any) -> str:
    if isinstance(value, str):
        return in_one_line(harmless(value, colours=False))
    return json.dumps(value, ensure_ascii=False)


def _returned(told: Told) -> str:
    """Return the values of an operation that is run by its name; what is too long, in short."""
    if told.step.action != _ONE_ASKED:
        return ""
    line = values(told.output, but=(_LOG,))
    return line if len(line) <= VALUES else line[: VALUES - len(CUT)] + CUT


def _title(plan: PlanView, played: str) -> str:
    return f"{plan.title} ({played})" if played else plan.title


def _problem(told: Told) -> str:
    """Return what went wrong with a step."""
    return in_one_line(told.step.error) or "; ".join(map(in_one_line, told.step.warnings))


def _said(told: Told, problem: str) -> str:
    """Return what went wrong, beyond the words for where the step stands; else what it changed."""
    done = change(told.output)
    predicted = "predicted: " if done and told.input.get("check") else ""
    return problem.removeprefix(told.step.words).lstrip(":, ") or predicted + done or _returned(told)


def _ways_on(found: PlanView, fleet: Sequence[str]) -> list[str]:
    """Return the commands that the task takes now, but for those that the lines about its hosts tell.

    Of a task whose steps are not shown, also where to find them.
    """
    unfit = {"event", "pause"} if found.cancel_requested else {"event"}
    words = [kind.value for kind in found.allowed if kind.value not in unfit]
    held = found.schedule is not None and found.schedule.frozen
    later = [f"  mcoflow schedule {'unfreeze' if held else 'freeze'} {found.id}"] if found.schedule else []
    lines = [f"  mcoflow task {word} {found.id}{_more(word, found)}" for word in words]
    lines = [line for line in later + lines if f"next:{line[1:]}" not in fleet]
    if fleet and "skip" in words:
        lines.append(f"where STEP is one of: mcoflow task hosts {found.id} --failed")
    return ["", "now possible:", *lines] if lines else []


def _more(word: str, found: PlanView) -> str:
    """Return what stands behind the id: a cancel that was asked for can only be one by force."""
    again = word == "cancel" and found.cancel_requested
    return " STEP" if word == "skip" else " --force" if again else ""


# -- hosts and times -------------------------------------------------------------------------------------


def host_row(host: HostView, now: datetime) -> Sequence[str]:
    """Return a host for a list."""
    name = marked(host.name, simulated=host.simulated)
    presence = f"{host.word}, clock off" if host.clock_off else host.word
    return (name, presence, ago(host.last_seen, now), host.version, str(host.executing))


def host(found: HostDetail, now: datetime) -> str:
    """Return a host with all that it told of itself."""
    view = found.host
    told = {
        "last seen": f"{ago(view.last_seen, now)}, first {ago(view.first_seen, now)}",
        "system": found.system,
        "agent": view.version,
        "groups": ", ".join(view.collectives),
        "executing": str(view.executing),
        "operations": ", ".join(found.operations) or f"those of {', '.join(found.agents)}",
        "problems": "; ".join(found.problems),
        "warning": "; ".join(view.warnings),
    }
    lines = [f"{view.name}{' (simulated)' if view.simulated else ''}: {view.word}"]
    lines += [f"  {key:<10}  {visible(value)}" for key, value in told.items() if value]
    rows = [(f"{group.name}.{fact.name}", _fact(fact)) for group in found.facts for fact in group.facts]
    return "\n".join([*lines, "", table(("fact", "value"), rows)] if rows else lines)


def _fact(fact: Fact) -> str:
    if fact.size is not None:
        return f"{fact.size / 2**30:.1f} GiB"
    if isinstance(fact.value, list):
        return ", ".join(map(str, fact.value))
    return "" if fact.value is None else str(fact.value)


def took(duration: timedelta | None) -> str:
    """Return a duration in words: `30 ms`, `2.0 s`, `2 min 5 s`, `3 h 20 min`."""
    if duration is None:
        return ""
    seconds = duration.total_seconds()
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago something was; the date when it is over a day."""
    seconds = round(max(0.0, (now - at).total_seconds()))
    if seconds < 2:
        return "now"
    if seconds < 60:
        return f"{seconds} s ago"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    return f"{seconds // 3600} h ago" if seconds < 86400 else at.strftime("%Y-%m-%d %H:%M UTC")
