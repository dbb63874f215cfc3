"""What every store promises: requests, timers, events, and messages that were none."""

from dataclasses import replace
from uuid import uuid4

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.requests import (
    CommandAnswer,
    CommandKind,
    CommandRecord,
    DroppedEvent,
    EventRecord,
    EvidenceRecord,
    RequestState,
    TimerRecord,
)
from mcoflow.domain.states import PlanState
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, living_world, owned, request


class RequestsContract:
    """The outbox, timers, events and evidence."""

    def test_the_exact_bytes_of_a_request_are_kept_until_it_ends(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store)).plan
        sent, other = request(plan.id, body=bytes(range(256)) * 9), request(plan.id)
        store.commit(Changes(plans=[plan], new_requests=[sent, other], confirmed=[sent.id]))
        assert store.request_bodies([sent.id, other.id, uuid4()]) == {
            sent.id: sent.body,
            other.id: other.body,
        }
        assert {each.id: each.confirmed for each in store.open_requests([plan.id])} == {
            sent.id: True,
            other.id: False,
        }

        ended = replace(sent, state=RequestState.ENDED, outcome=Outcome.OK, ended_at=9.5, confirmed=True)
        accepted = replace(
            other, state=RequestState.ACCEPTED, executing=True, run_due_at=7.25, cancel="pickup"
        )
        store.commit(Changes(plans=[plan], requests=[other, ended, accepted]))

        assert store.request_bodies([sent.id, other.id]) == {other.id: other.body}
        assert store.open_requests([plan.id]) == [replace(accepted, body=b"")]
        assert store.requests([sent.id]) == {sent.id: replace(ended, body=b"")}

    def test_a_reply_queue_is_awaited_while_an_open_request_of_a_running_plan_names_it(
        self, store: WholeStore
    ) -> None:
        """I-4, B-015: only then may it be deleted."""
        plan = owned(store, living_world(store)).plan
        plan.state = PlanState.RUNNING
        one, same, other = (
            replace(request(plan.id), reply_to=token) for token in ("x-one", "x-one", "x-other")
        )
        asked = ["x-one", "x-nobody"]
        assert store.awaited(asked) == []
        store.commit(Changes(plans=[plan], new_requests=[one, same, other]))
        assert list(store.awaited(asked)) == ["x-one"]
        assert sorted(store.awaited([*asked, "x-other"])) == ["x-one", "x-other"]
        assert store.awaited([]) == []

        over = {"state": RequestState.ENDED, "outcome": Outcome.OK, "ended_at": 9.5}
        store.commit(Changes(plans=[plan], requests=[replace(one, **over)]))  # type: ignore[arg-type]
        assert list(store.awaited(asked)) == ["x-one"]
        store.commit(Changes(plans=[plan], requests=[replace(same, **over)]))  # type: ignore[arg-type]
        assert store.awaited(asked) == []

        plan.state = PlanState.STOPPED
        store.commit(Changes(plans=[plan]))
        assert store.awaited(["x-other"]) == []

    def test_timers_are_kept_until_they_are_dropped(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store)).plan
        late = TimerRecord(uuid4(), plan.id, 2, 9.0, "limit", '{"a":1}')
        early = TimerRecord(uuid4(), plan.id, 2, 3.0, "silence")
        store.commit(Changes(plans=[plan], new_timers=[late, early]))
        assert store.timers([plan.id, uuid4()]) == [early, late]

        store.commit(Changes(plans=[plan], dropped_timers=[early.id, uuid4()]))

        assert store.timers([plan.id]) == [late]

    def test_events_come_in_the_order_in_which_they_were_stored(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store)).plan
        events = [EventRecord(uuid4(), plan.id, 2, 50.0 - n, "poke", f"{n}", n == 3) for n in range(20)]
        store.commit(Changes(plans=[plan], new_events=events[:10]))
        store.commit(Changes(plans=[plan], new_events=events[10:], consumed_events=[events[0].id]))

        assert store.events([plan.id]) == events[1:]

    def test_what_became_of_an_event_is_known_from_its_command_to_its_end(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store)).plan
        unanswered, refused, waits, dropped, delivered = (uuid4() for _ in range(5))
        for command_id in (unanswered, refused):
            store.add_command(CommandRecord(command_id, plan.id, CommandKind.EVENT, 1.0))
        store.commit(Changes(answers=[CommandAnswer(refused, {}, "EventDroppedError", "not now")]))
        lost = DroppedEvent(dropped, plan.id, 3.0, "too late")
        store.commit(
            Changes(
                plans=[plan],
                new_events=[
                    EventRecord(each, plan.id, 2, 2.0, "user") for each in (waits, dropped, delivered)
                ],
            )
        )
        store.commit(Changes(plans=[plan], consumed_events=[dropped, delivered], dropped_events=[lost]))

        sent = dict.fromkeys((unanswered, refused, waits, dropped, delivered), plan.id)
        gone = uuid4()
        fates = {each.id: each for each in store.event_fates({**sent, gone: uuid4()})}

        told = {each: (fates[each].waits, fates[each].code, fates[each].reason) for each in sent}
        assert told == {
            unanswered: (True, "", ""),
            refused: (False, "EventDroppedError", "not now"),
            waits: (True, "", ""),
            dropped: (False, "EventDroppedError", "too late"),
            delivered: (False, "", ""),
        }
        assert {fates[each].plan for each in sent} == {plan.state}
        assert fates[gone].plan is None
        assert store.event_fates({}) == []

    def test_malformed_messages_cannot_fill_the_disk(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store)).plan
        long = b"\xfe" * 100_000
        late = EvidenceRecord(0.5, "late", "web1", uuid4(), plan.id, long, "too late")
        store.commit(Changes(evidence=[late, EvidenceRecord(1.0, "malformed", "?", None, plan.id, long)]))
        assert [len(each.body) for each in store.evidence(plan.id)] == [100_000, 65_536]

        junk = [EvidenceRecord(float(n), "malformed", "?", None, plan.id, b"?") for n in range(1_200)]
        store.commit(Changes(evidence=junk[:700]))
        store.commit(Changes(evidence=junk[700:]))

        assert store.evidence(plan.id) == [late, *junk[200:]]
        assert store.evidence(plan.id, limit=2) == [late, junk[200]]
