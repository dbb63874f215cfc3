"""Hypothesis strategies for every message there is."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from mcoflow.wire import messages
from mcoflow.wire.codec import MAX_INTEGER
from mcoflow.wire.envelope import Envelope

SAFE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
START = datetime(2000, 1, 1, tzinfo=UTC)

tokens = st.from_regex(r"x-[a-z0-9]{12}", fullmatch=True)
names = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)
collectives = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)
hosts = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z0-9]{1,10}){0,2}", fullmatch=True)
digests = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
times = st.integers(0, 2**41).map(lambda ms: START + timedelta(milliseconds=ms))
counts = st.integers(0, MAX_INTEGER)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(SAFE, max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(SAFE, max_size=10), inner, max_size=4)
    ),
    max_leaves=15,
)
objects = st.dictionaries(st.text(SAFE, max_size=10), values, max_size=5)


def texts(limit: int) -> st.SearchStrategy[str]:
    return st.text(SAFE, max_size=min(limit // 4, 60))


def maybe(strategy):
    return st.none() | strategy


bodies = st.one_of(
    st.builds(
        messages.RequestBody,
        reply_to=tokens,
        agent=names,
        operation=names,
        args=objects,
        expires_at=times,
        timeout_ms=st.integers(1, 86_400_000),
        grace_ms=st.integers(0, 600_000),
        caller=texts(128),
        plan=st.uuids(),
        step=counts,
        attempt=counts,
        journal=maybe(st.uuids()),
        output_cap=st.integers(0, 4 * 2**20),
    ),
    st.builds(messages.CancelBody, reply_to=tokens, reason=texts(256)),
    st.builds(messages.QueryBody, reply_to=tokens, output_from=maybe(counts)),
    st.builds(
        messages.DiscoverBody,
        reply_to=tokens,
        filter=objects,
        want=st.sampled_from([(), tuple(messages.Want), (messages.Want.FACTS,)]),
        spread_ms=st.integers(0, 10_000),
        daemons=st.lists(st.uuids(), max_size=8).map(tuple),
    ),
    st.builds(messages.AcceptedBody, position=counts),
    st.builds(
        messages.ProgressBody,
        seq=counts,
        reason=maybe(texts(256)),
        percent=maybe(st.integers(0, 100)),
        text=maybe(texts(1024)),
    ),
    st.builds(messages.OutputBody, seq=st.integers(0, 1_000_000), offset=counts, text=texts(32768), at=times),
    st.builds(
        messages.ResultBody,
        outcome=names,
        message=texts(4096),
        values=objects,
        finished_at=times,
        agent_time=times,
        duration_ms=counts,
        runs=counts,
        reason=maybe(names),
        exit_code=maybe(st.integers(-255, 255)),
        signal=maybe(st.integers(1, 64)),
        started_at=maybe(times),
        chunks=counts,
        output_bytes=counts,
        tail=texts(8192),
    ),
    st.builds(
        messages.PresenceBody,
        wire_min=st.integers(1, 999),
        wire_max=st.integers(1, 999),
        version=texts(64),
        collectives=st.lists(collectives, max_size=3).map(tuple),
        received=counts,
        executing=counts,
        room=counts,
        interval_ms=counts,
        facts_digest=digests,
        operations_digest=digests,
        facts=maybe(objects),
        operations=maybe(objects),
    ),
)


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    body, own_id = draw(bodies), draw(st.uuids())
    about = own_id if isinstance(body, messages.RequestBody) else draw(maybe(st.uuids()))
    return Envelope(
        id=own_id,
        request=about,
        host="*" if isinstance(body, messages.DiscoverBody) else draw(hosts),
        collective=draw(collectives),
        sent_at=draw(times),
        simulated=draw(st.booleans()),
        body=body,
    )
