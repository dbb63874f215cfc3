"""What is skipped along with a failed step. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import StepRecord
from mcoflow.domain.states import Phase, StepState

_SKIPPED = (StepState.SKIPPED, StepState.SKIPPING)


def covered_by(step_id: int, graph: Graph, steps: Mapping[int, StepRecord], *, followers: bool) -> list[int]:
    """Return the steps that are skipped with a failed one, itself included.

    Consumers of its output, unless they said what to take instead; and with `followers` each step all of
    whose predecessors are skipped; transitively. A gate with a predecessor that is not skipped opens.
    Finalize steps of the covered actions go along.
    """
    covered = {step_id}
    for node in graph.order():
        needs = graph.needs[node]
        gone = [each for each in needs if each in covered or (each > 0 and steps[each].state in _SKIPPED)]
        reads = any((each, node) in graph.required for each in gone)
        copes = any((each, node) in graph.optional for each in gone)
        follows = followers and len(gone) == len(needs) and not copes
        if gone and (reads or follows) and (node < 0 or steps[node].phase is Phase.RUN):
            covered.add(node)
    actions = {steps[node].action_id for node in covered if node > 0}
    return sorted(
        step.id
        for step in steps.values()
        if (step.id in covered or (step.phase is Phase.FINALIZE and step.action_id in actions))
        and step.state in (StepState.ERROR, StepState.PENDING)
    )


def with_readers(step_ids: Collection[int], graph: Graph, steps: Mapping[int, StepRecord]) -> set[int]:
    """Return steps that were not begun and what cannot run without them, their finalize steps included.

    It costs as much as it covers.
    """
    covered, found = set(step_ids), list(step_ids)
    for step_id in found:
        step, after = steps[step_id], steps.get(step_id + 1)
        own = after is not None and after.action_id == step.action_id and after.phase is Phase.FINALIZE
        others = (*graph.readers.get(step_id, ()), *((step_id + 1,) if own else ()))
        new = [each for each in others if each not in covered and steps[each].state is StepState.PENDING]
        covered.update(new)
        found += new
    return covered
