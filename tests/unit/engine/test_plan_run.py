"""A plan in memory, under random graphs, ends and failures. Pure."""

import time
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.records import ErrorRecord, PlanRecord, PlanSnapshot, StepRecord
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.engine.flow import Block, GraphMaker
from mcoflow.engine.plan_run import PlanRun
from mcoflow.engine.verdict import explanation_of

BROKEN = ErrorRecord("Error", "broken")


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Nested sequences and concurrences of up to a few dozen steps."""
    numbers = iter(range(1, 1000))

    def made(depth: int) -> Block:
        parts: list[Block | int] = []
        for _ in range(draw(st.integers(0, 4))):
            deeper = depth < 3 and draw(st.booleans())
            parts.append(made(depth + 1) if deeper else next(numbers))
        return Block(draw(st.sampled_from("SC")), parts)

    return made(0)


def steps_in(block: Block) -> list[int]:
    return [n for part in block.parts for n in ([part] if isinstance(part, int) else steps_in(part))]


def run_of(block: Block, *, finalize: int = 0) -> PlanRun:
    maker = GraphMaker()
    maker.add(block)
    ids = steps_in(block)
    tidy = list(range(1000, 1000 + finalize))
    maker.chain_after_all(tidy)
    steps = [StepRecord(n, n, Phase.RUN, "a") for n in ids]
    steps += [StepRecord(n, n, Phase.FINALIZE, "a") for n in tidy]
    counts = {StepState.PENDING: len(steps)} if steps else {}
    plan = PlanRecord(UUID(int=1), "", "a", PlanState.PLANNED, 0.0, counts=counts)
    return PlanRun(PlanSnapshot(plan, steps, maker.graph()))


def before(block: Block) -> set[tuple[int, int]]:
    """Which step has to end before which starts, as the blocks say it."""
    pairs: set[tuple[int, int]] = set()
    inner = [[part] if isinstance(part, int) else steps_in(part) for part in block.parts]
    for part in block.parts:
        if isinstance(part, Block):
            pairs |= before(part)
    if block.kind == "S":
        for at, earlier in enumerate(inner):
            pairs |= {(a, b) for a in earlier for later in inner[at + 1 :] for b in later}
    return pairs


def play_out(run: PlanRun, chance: Random, failing: set[int]) -> list[tuple[str, int]]:
    """Start what may start, end live steps in random order, until nothing is left."""
    log: list[tuple[str, int]] = []
    ready = run.begin(0.0)
    live: list[int] = []
    while ready or live:
        for step_id in ready:
            run.move(run.steps[step_id], StepState.RUNNING, 0.0)
            log.append(("start", step_id))
            live.append(step_id)
        ready = []
        ending = live.pop(chance.randrange(len(live)))
        log.append(("end", ending))
        if ending in failing:
            run.fail(run.steps[ending], BROKEN, 1.0)
        else:
            ready = run.succeed(run.steps[ending], 1.0)
    assert run.rest(2.0, fail=False)
    return log


@given(blocks(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_every_step_runs_once_in_the_order_of_the_blocks(block: Block, chance: Random, tidy: int) -> None:
    """E-006: as written; E-040: finalize after all, one by one."""
    run = run_of(block, finalize=tidy)
    log = play_out(run, chance, set())

    starts = [step for what, step in log if what == "start"]
    assert sorted(starts) == sorted(run.steps)
    for earlier, later in before(block):
        assert log.index(("end", earlier)) < log.index(("start", later))
    assert log[len(log) - 2 * tidy :] == [
        (what, step) for step in range(1000, 1000 + tidy) for what in ("start", "end")
    ]
    assert (run.plan.state, run.plan.result) == (PlanState.STOPPED, PlanResult.SUCCESS)
    assert run.plan.counts == ({StepState.SUCCESS: len(run.steps)} if run.steps else {})


@given(blocks())
def test_nothing_waits_for_what_it_does_not_need(block: Block) -> None:
    """E-004: no over-serialising: a step starts as soon as what the blocks put before it is done."""
    run = run_of(block)
    order = before(block)
    ready = set(run.begin(0.0))
    done: set[int] = set()
    while ready - done:
        expected = {n for n in run.steps if all(a in done for a, b in order if b == n)}
        assert ready == expected
        step = min(ready - done)
        run.move(run.steps[step], StepState.RUNNING, 0.0)
        ready |= set(run.succeed(run.steps[step], 0.0))
        done.add(step)
    assert done == set(run.steps)


@given(blocks(), st.randoms(use_true_random=False), st.data())
def test_what_follows_a_failure_stays_pending_and_all_else_ends(
    block: Block, chance: Random, data: st.DataObject
) -> None:
    """E-019: whatever fails; then resume runs exactly what is left."""
    run = run_of(block, finalize=1)
    ids = steps_in(block)
    failing = data.draw(st.sets(st.sampled_from(ids))) if ids else set()
    log = play_out(run, chance, failing)

    behind = {b for a, b in before(block) if a in failing}
    for step_id in ids:
        state = run.steps[step_id].state
        if step_id in behind:
            assert state is StepState.PENDING
        else:
            assert state is (StepState.ERROR if step_id in failing else StepState.SUCCESS)
    if not failing:
        return
    assert (run.plan.state, run.plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    again = play_out(run, chance, set())
    assert {step for what, step in again if what == "start"} == set(run.steps) - {
        step for what, step in log if what == "end" and step not in failing
    }
    assert run.plan.result is PlanResult.SUCCESS


@given(blocks(), st.randoms(use_true_random=False), st.data())
def test_after_a_skip_and_a_resume_the_plan_ends_with_a_warning(
    block: Block, chance: Random, data: st.DataObject
) -> None:
    """E-045: never hung, whatever is skipped."""
    ids = steps_in(block)
    if not ids:
        return
    run = run_of(block, finalize=1)
    play_out(run, chance, {data.draw(st.sampled_from(ids))})
    while failed := run.failed_steps():
        run.skip(run.covered_by_skip(failed[0].id), 3.0)
    play_out(run, chance, set())

    assert (run.plan.state, run.plan.result) == (PlanState.STOPPED, PlanResult.WARNING)


@given(blocks(), st.randoms(use_true_random=False), st.integers(0, 40))
def test_a_cancel_at_any_moment_stops_the_plan(block: Block, chance: Random, after: int) -> None:
    """E-056: stopped, never paused; every step is final."""
    run = run_of(block, finalize=2)
    ready, live = run.begin(0.0), []
    for turn in range(100):
        if turn == after:
            run.plan.cancel_requested = True
        if not run.plan.cancel_requested:
            for step_id in ready:
                run.move(run.steps[step_id], StepState.RUNNING, 0.0)
            live += ready
            ready = []
        if live:
            ending = live.pop(chance.randrange(len(live)))
            if chance.random() < 0.3 and run.plan.cancel_requested:
                run.fail(run.steps[ending], BROKEN, 0.0)
            else:
                ready += run.succeed(run.steps[ending], 0.0)
        if run.rest(1.0, fail=False):
            break
        if run.plan.cancel_requested and not live:  # every run step had succeeded: finalize may run
            for step_id in ready:
                assert run.steps[step_id].phase is Phase.FINALIZE
                run.move(run.steps[step_id], StepState.RUNNING, 0.0)
            live, ready = live + ready, []

    assert run.plan.state is PlanState.STOPPED
    assert run.plan.counts.keys() <= {StepState.SUCCESS, StepState.CANCELLED}


def test_ending_a_step_of_a_huge_plan_touches_its_followers_only() -> None:
    """E-043: no replay of the flow, which would take 20,000 steps 20,000 times."""
    groups: list[Block | int] = [Block("C", [*range(at, at + 10_000)]) for at in (1, 10_001)]
    run = run_of(Block("S", groups))
    began = time.perf_counter()
    play_out(run, Random(1), set())

    assert time.perf_counter() - began < 5.0


def test_an_explanation_tells_the_same_error_once_with_its_hosts() -> None:
    run = run_of(Block("C", [1, 2, 3, 4, 5]))
    for step in run.steps.values():
        step.host = f"web{step.id}"
    play_out(run, Random(1), {1, 2, 3, 4, 5})

    assert run.plan.explanation == "web1, web2, web3 and 2 more: broken"


def test_an_explanation_tells_errors_first_and_no_warning_that_an_error_repeats() -> None:
    """The steps that led to an error of a host warn of what the error says itself."""

    def step(number: int, host: str, error: str = "", warning: str = "") -> StepRecord:
        state = StepState.ERROR if error else StepState.SUCCESS
        made = StepRecord(number, number, Phase.RUN, "x", state, host=host, queue="default")
        made.error = ErrorRecord("E", error) if error else None
        made.warnings = (warning,) if warning else ()
        return made

    told = explanation_of(
        [
            step(1, "web1", warning="nginx: failed (exit 1)"),
            step(2, "web1", warning="php: failed (exit 2)"),
            step(3, "web1", error="nothing was installed: nginx: failed (exit 1); php: failed (exit 2)"),
            step(4, "web2", warning="nginx: failed (exit 1)"),
            step(5, "web3", warning="nginx: failed (exit 1)"),
        ]
    )

    assert told == (
        "web1: nothing was installed: nginx: failed (exit 1); php: failed (exit 2); "
        "web2, web3: nginx: failed (exit 1)"
    )


def test_a_plan_that_is_broken_off_is_paused_with_what_was_under_way_in_error() -> None:
    """E-025: paused."""
    run = run_of(Block("C", [1, 2]))
    for step_id, state in zip(run.begin(0.0), (StepState.RUNNING, StepState.SUSPENDED), strict=True):
        run.move(run.steps[step_id], state, 0.0)
    run.plan.owner = UUID(int=7)

    run.break_off(BROKEN, 1.0)

    assert (run.plan.state, run.plan.result) == (PlanState.PAUSED, PlanResult.ERROR)
    assert not run.plan.owner
    assert {step.state for step in run.steps.values()} == {StepState.ERROR}
    assert run.live == 0


def test_a_plan_that_is_cancelled_before_it_was_planned_counts_as_cancelled() -> None:
    """E-060: it has no steps that could say so."""
    plan = PlanRecord(UUID(int=1), "", "a", PlanState.SCHEDULED, 0.0, cancel_requested=True)
    run = PlanRun(PlanSnapshot(plan, [], GraphMaker().graph()))

    run.stop_at_rest(5.0)

    assert (plan.state, plan.result, plan.ended_at) == (PlanState.STOPPED, PlanResult.CANCELLED, 5.0)
