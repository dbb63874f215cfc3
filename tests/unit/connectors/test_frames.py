"""Our frames are the bytes that pika would make, and read what a broker sends."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pika import spec
from pika.frame import Body, Header, Method, decode_frame

from connectors.amqp import frames
from connectors.amqp.encoding import Encoder
from mcoflow.clock import SystemClock
from mcoflow.ports.bus import AskAll, Parcel, Request
from mcoflow.wire.topology import Topology

TEXT = st.text(max_size=60).filter(lambda text: len(text.encode()) <= 255)
HEADERS = st.dictionaries(TEXT.filter(bool), TEXT, max_size=4)


@given(TEXT, TEXT, st.booleans(), st.integers(1, 65535))
def test_publish_is_encoded_as_pika_does(exchange: str, key: str, mandatory: bool, channel: int) -> None:
    expected = Method(channel, spec.Basic.Publish(exchange=exchange, routing_key=key, mandatory=mandatory))

    assert frames.publish(channel, exchange, key, mandatory=mandatory) == expected.marshal()


@given(st.binary(max_size=300), st.integers(1, 128))
def test_content_is_encoded_as_pika_does(body: bytes, body_max: int) -> None:
    properties = spec.BasicProperties(type="request")
    pieces = [body[at : at + body_max] for at in range(0, len(body), body_max)]
    expected = Header(7, len(body), properties).marshal() + b"".join(Body(7, one).marshal() for one in pieces)

    assert frames.content(7, frames.TYPE, frames.short_string("request"), body, body_max) == expected


@given(st.integers(1, 2**63), st.booleans())
def test_settling_is_encoded_as_pika_does(tag: int, flag: bool) -> None:
    assert frames.ack(3, tag, multiple=flag) == Method(3, spec.Basic.Ack(tag, flag)).marshal()
    assert frames.reject(3, tag, requeue=flag) == Method(3, spec.Basic.Reject(tag, flag)).marshal()


@given(
    st.builds(
        spec.BasicProperties,
        content_type=st.none() | TEXT,
        content_encoding=st.none() | TEXT,
        headers=st.none() | HEADERS,
        delivery_mode=st.none() | st.integers(1, 2),
        priority=st.none() | st.integers(0, 9),
        correlation_id=st.none() | TEXT,
        reply_to=st.none() | TEXT,
        expiration=st.none() | TEXT,
        message_id=st.none() | TEXT,
        timestamp=st.none() | st.integers(0, 2**60),
        type=st.none() | TEXT,
        user_id=st.none() | TEXT,
        app_id=st.none() | TEXT,
        cluster_id=st.none() | TEXT,
    )
)
def test_properties_are_read_whichever_there_are(properties: spec.BasicProperties) -> None:
    data = b"before" + b"".join(properties.encode()) + b"after"

    message_id, headers, user_id = frames.read_properties(data, 6)

    assert (message_id, user_id) == (properties.message_id, properties.user_id)
    assert (headers is None) == (properties.headers is None)
    if properties.headers:
        assert headers == frames.table(properties.headers.items())


def test_a_parcel_carries_all_that_the_protocol_wants() -> None:
    id_, request = UUID(int=1), UUID(int=2)
    parcel = Parcel(Request("web1.example"), "request", id_, b"{}", request, "x-a", (("traceparent", "00"),))
    encode = Encoder(Topology("p"), "guest", SystemClock()).begin(5)

    data = encode(parcel)

    used, publish = decode_frame(data)
    _, header = decode_frame(data[used:])
    assert isinstance(publish, Method)
    assert isinstance(header, Header)
    assert (publish.method.exchange, publish.method.routing_key) == ("p.to-hosts", "request.web1_example")
    assert publish.method.mandatory is True
    said = header.properties
    assert (said.message_id, said.correlation_id, said.type) == (str(id_), str(request), "request")
    assert (said.reply_to, said.user_id, said.delivery_mode) == ("x-a", "guest", 2)
    assert (said.content_type, said.headers) == ("application/vnd.mcoflow+json", {"traceparent": "00"})
    assert said.app_id.startswith("mcoflow/")
    assert said.timestamp > 1_700_000_000


def test_a_question_to_all_is_not_mandatory_and_not_kept() -> None:
    encode = Encoder(Topology("p"), None, SystemClock()).begin(5)

    data = encode(Parcel(AskAll("main"), "discover", UUID(int=1), b"{}", durable=False))

    used, publish = decode_frame(data)
    _, header = decode_frame(data[used:])
    assert isinstance(publish, Method)
    assert isinstance(header, Header)
    assert publish.method.mandatory is False
    assert (header.properties.delivery_mode, header.properties.user_id) == (1, None)
