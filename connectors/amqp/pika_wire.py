"""The only file that knows pika: a loop, a connection and a channel with types, and the hot path past pika.

Everything here belongs to the loop's thread, but for `Loop.call_soon_threadsafe`.
"""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import pika
from pika.adapters.select_connection import IOLoop, SelectConnection
from pika.channel import Channel as PikaChannel
from pika.data import decode_table
from pika.exceptions import AMQPConnectionError, ChannelClosed, ConnectionClosed
from pika.frame import decode_frame
from pika.tcp_socket_opts import _SUPPORTED_TCP_OPTIONS

from connectors.amqp import frames
from connectors.amqp.address import BrokerAddress
from connectors.amqp.failures import Failure

_RECEIVE: Final = 256 * 1024
"""Bytes for one read of the socket; pika's 4,096 means a system call for ten messages."""
_CONNECT_TIMEOUT: Final = 5.0
_LOGIN_TIMEOUT: Final = 10.0
_TCP_USER_TIMEOUT: Final = 10_000

_QUOTED: Final = re.compile(r"""\(\d{3}\) (['"])(.+)\1""")
"""What the broker said, inside the words of pika's exception."""

# pika logs every failed attempt with a stack trace; the link's report says it once, in words
logging.getLogger("pika").setLevel(logging.CRITICAL)


class Sink(Protocol):
    """Takes the frames of one channel's hot path."""

    def on_frame(self, kind: int, data: bytes, at: int, end: int) -> bool:
        """Use the payload data[at:end] of a frame, or return False to leave it to pika."""


class Loop:
    """pika's I/O loop, which may serve several connections."""

    def __init__(self) -> None:
        self._loop: Any = IOLoop()

    @property
    def native(self) -> Any:
        """What pika's connections want to be given."""
        return self._loop

    def run(self) -> None:
        """Serve until stop; then release what it holds."""
        try:
            self._loop.start()
        finally:
            self._loop.close()

    def stop(self) -> None:
        """Make run return."""
        self._loop.stop()

    def call_later(self, seconds: float, call: Callable[[], None]) -> object:
        """Call once, later; returns what cancel wants."""
        return self._loop.call_later(seconds, call)

    def cancel(self, timer: object) -> None:
        """Forget a call_later."""
        self._loop.remove_timeout(timer)

    def call_soon_threadsafe(self, call: Callable[[], None]) -> None:
        """Call as soon as possible, on the loop's thread; from any thread."""
        self._loop.add_callback_threadsafe(call)


class _FastConnection(SelectConnection):  # type: ignore[misc,unused-ignore]
    """A SelectConnection that gives frames to sinks and reads the socket in large pieces."""

    sinks: dict[int, Sink]

    def _on_stream_connected(self) -> None:
        self._transport._MAX_RECV_BYTES = _RECEIVE  # type: ignore[union-attr]
        super()._on_stream_connected()

    def _on_data_available(self, data_in: bytes) -> None:
        data = self._frame_buffer + data_in if self._frame_buffer else data_in
        if data[0] > frames.BODY and data[0] != 8:  # no frame: the broker speaks another protocol
            self._frame_buffer = b""
            super()._on_data_available(data)
            return
        at, available, sinks = 0, len(data), self.sinks
        unpack = frames.FRAME.unpack_from
        while available - at >= frames.OVERHEAD:
            kind, channel, size = unpack(data, at)
            after = at + frames.OVERHEAD + size
            if after > available:
                break
            sink = sinks.get(channel)
            if (
                sink is None
                or data[after - 1] != frames.END
                or not sink.on_frame(kind, data, at + 7, after - 1)
            ):
                self._process_frame(decode_frame(data[at:after])[1])  # type: ignore[arg-type]
            at = after
        self._frame_buffer = data[at:]
        self.bytes_received += at  # what pika's heartbeat checker looks at

    def emit(self, data: bytes) -> None:
        """Send whole frames."""
        self._output_marshaled_frames([data])

    def _on_connection_workflow_done(self, conn_or_exc: Any) -> None:
        """Tell pika that a login was broken off in the way it expects to hear it.

        It reports one that we close ourselves with the class of the exception instead of an instance, trips
        over that, and would end the thread of all connections.
        """
        aborted = isinstance(conn_or_exc, type) and issubclass(conn_or_exc, Exception)
        super()._on_connection_workflow_done(conn_or_exc() if aborted else conn_or_exc)


class Channel:
    """One channel. Every `then` is called when the broker has answered."""

    def __init__(self, wire: "Wire", channel: PikaChannel) -> None:
        self._wire, self._channel = wire, channel
        self.number: Final = int(channel.channel_number)

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return bool(self._channel.is_open)

    def route(self, sink: Sink) -> None:
        """Give the frames of this channel to `sink` first."""
        self._wire.route(self.number, sink)

    def emit(self, data: bytes) -> None:
        """Send whole frames of this channel."""
        self._wire.emit(data)

    def confirm(self, then: Callable[[], None]) -> None:
        """Make the broker confirm what is published; the sink sees the confirms."""
        self._channel.confirm_delivery(_to_sink, callback=lambda _: then())

    def on_return(self, call: Callable[[str | None], None]) -> None:
        """Call with the message id of what nobody is bound for, before its confirm comes."""
        self._channel.add_on_return_callback(lambda _c, _m, properties, _b: call(properties.message_id))

    def on_cancel(self, call: Callable[[str], None]) -> None:
        """Call with the tag of a consumer that the broker has cancelled: its queue is gone."""
        self._channel.add_on_cancel_callback(lambda frame: call(frame.method.consumer_tag))

    def consume(self, queue: str, tag: str, prefetch: int) -> None:
        """Consume with a prefetch of its own; the sink sees the deliveries."""
        self._channel.basic_qos(prefetch_count=prefetch, global_qos=False)
        self._channel.basic_consume(queue, _to_sink, consumer_tag=tag)

    def cancel(self, tag: str) -> None:
        """Consume no more; what was delivered stays unsettled."""
        self._channel.basic_cancel(tag)

    def declare_exchange(
        self, name: str, kind: str, arguments: Mapping[str, Any], then: Callable[[], None]
    ) -> None:
        """Declare a durable exchange."""
        self._channel.exchange_declare(
            name, kind, durable=True, arguments=dict(arguments), callback=lambda _: then()
        )

    def declare_queue(self, name: str, arguments: Mapping[str, Any], then: Callable[[], None]) -> None:
        """Declare a durable queue."""
        self._channel.queue_declare(name, durable=True, arguments=dict(arguments), callback=lambda _: then())

    def inspect_queue(self, name: str, then: Callable[[int, int], None]) -> None:
        """Ask for messages and consumers; a queue that is not there closes the channel with 404."""

        def answered(frame: Any) -> None:
            then(frame.method.message_count, frame.method.consumer_count)

        self._channel.queue_declare(name, passive=True, callback=answered)

    def bind(self, queue: str, exchange: str, key: str, then: Callable[[], None]) -> None:
        """Bind a queue."""
        self._channel.queue_bind(queue, exchange, key, callback=lambda _: then())

    def unbind(self, queue: str, exchange: str, key: str, then: Callable[[], None]) -> None:
        """Undo a binding; one that is not there counts as undone."""
        self._channel.queue_unbind(queue, exchange, key, callback=lambda _: then())

    def delete_queue(self, name: str, *, only_idle: bool, then: Callable[[], None]) -> None:
        """Delete a queue; `only_idle`: 406 closes the channel unless it is empty and unused."""
        self._channel.queue_delete(name, if_unused=only_idle, if_empty=only_idle, callback=lambda _: then())

    def ask_to_publish(self, exchange: str, key: str) -> None:
        """Publish what no broker takes: 403, 404 or 406 closes the channel."""
        self._channel.basic_publish(exchange, key, b"", pika.BasicProperties(expiration="never"))

    def ask_to_consume(self, queue: str) -> None:
        """Consume in a way that no broker knows: 403, 404 or 406 closes the channel."""
        self._channel.basic_consume(queue, _to_sink, arguments={"x-priority": "none"})

    def ask_to_declare(self, exchange: str) -> None:
        """Declare what no broker makes: 403 or 406 closes the channel."""
        self._channel.exchange_declare(exchange, "direct", arguments={"alternate-exchange": 0})

    def close(self) -> None:
        """Close it: what is unsettled goes back, in the same moment in which its consumers end.

        pika would cancel the consumers first. In between a queue whose messages are all under way looks empty
        and unused, and whoever deletes it then deletes them along.
        """
        if self._channel.is_open:
            self._channel._cancelled.update(self._channel._consumers)
            self._channel.close()


class Wire:
    """One connection, used once: it comes up, and ends with on_end, or ends without coming up."""

    def __init__(
        self,
        loop: Loop,
        address: BrokerAddress,
        name: str,
        *,
        on_up: Callable[["Wire"], None],
        on_end: Callable[["Wire", Failure], None],
        on_blocked: Callable[[bool], None],
    ) -> None:
        self._ended, self._on_end = False, on_end
        self._connection: Any = _FastConnection(
            _parameters(address, name),
            on_open_callback=lambda _: on_up(self),
            on_open_error_callback=lambda _, error: self._end(_failure(error, login=True)),
            on_close_callback=lambda _, error: self._end(_failure(error)),
            custom_ioloop=loop.native,
        )
        self._connection.sinks = {}
        self._connection.add_on_connection_blocked_callback(lambda _c, _f: on_blocked(True))
        self._connection.add_on_connection_unblocked_callback(lambda _c, _f: on_blocked(False))

    @property
    def is_open(self) -> bool:
        """Whether channels can be opened."""
        return bool(self._connection.is_open)

    @property
    def body_max(self) -> int:
        """Bytes of a body that fit into one frame."""
        return int(self._connection.params.frame_max) - frames.OVERHEAD

    def channel(self, on_open: Callable[[Channel], None], on_end: Callable[[Failure], None]) -> None:
        """Open a channel; on_end is called when it ends, for whatever reason."""
        channel = self._connection.channel(on_open_callback=lambda opened: on_open(Channel(self, opened)))
        channel.add_on_close_callback(lambda ended, error: self._channel_ended(ended, error, on_end))

    def route(self, channel: int, sink: Sink) -> None:
        """Give the frames of a channel to `sink` first."""
        self._connection.sinks[channel] = sink

    def emit(self, data: bytes) -> None:
        """Send whole frames."""
        self._connection.emit(data)

    def close(self) -> None:
        """End in good order, or stop coming up."""
        if not (self._ended or self._connection.is_closing or self._connection.is_closed):
            self._connection.close()

    def drop(self) -> None:
        """Cut it without a word to the broker."""
        if not self._ended:
            self._connection._terminate_stream(AMQPConnectionError("closed before the broker had answered"))

    def _channel_ended(
        self, channel: PikaChannel, error: BaseException, on_end: Callable[[Failure], None]
    ) -> None:
        self._connection.sinks.pop(channel.channel_number, None)  # pika uses the number again
        on_end(_failure(error))

    def _end(self, failure: Failure) -> None:
        if not self._ended:
            self._ended = True
            self._on_end(self, failure)


def headers_of(table: bytes) -> dict[str, Any]:
    """Decode a table of headers; names that are no UTF-8 are left out."""
    decoded: Mapping[Any, Any] = decode_table(table, 0)[0]
    return {name: value for name, value in decoded.items() if isinstance(name, str)}


def _to_sink(*frame: object) -> None:
    """Stand where pika wants a callback: the sink has taken these frames already."""
    raise AssertionError(f"a frame came past its sink: {frame!r}")


def _parameters(address: BrokerAddress, name: str) -> pika.ConnectionParameters:
    credentials: Any = pika.credentials.ExternalCredentials()
    if address.user is not None:
        credentials = pika.PlainCredentials(address.user, address.password)
    tls = pika.SSLOptions(address.tls, address.host) if address.tls else None
    options = {"TCP_USER_TIMEOUT": _TCP_USER_TIMEOUT}
    return pika.ConnectionParameters(
        host=address.host,
        port=address.port,
        virtual_host=address.vhost,
        credentials=credentials,
        heartbeat=max(1, round(address.heartbeat.total_seconds())),
        connection_attempts=1,  # trying again is the link's: with jitter, and for ever
        socket_timeout=_CONNECT_TIMEOUT,
        stack_timeout=_LOGIN_TIMEOUT,
        ssl_options=tls,
        tcp_options={key: value for key, value in options.items() if key in _SUPPORTED_TCP_OPTIONS},
        client_properties={"connection_name": name, "product": "mcoflow"},
    )


def _failure(error: BaseException, *, login: bool = False) -> Failure:
    """Find what the broker, or the system, really said."""
    cause = _root(error)
    if isinstance(cause, ConnectionClosed | ChannelClosed):
        return Failure(cause.reply_code, cause.reply_text, login)
    words = " ".join(str(cause).split()) or type(cause).__name__
    if "Timeout while setting up" in words:
        words = f"it listens but does not answer in {_LOGIN_TIMEOUT:g} s"
    elif quoted := _QUOTED.search(words):
        words = quoted[2]
    code = 403 if "ACCESS_REFUSED" in words else 530 if "NOT_ALLOWED" in words else 0
    return Failure(code, words, login and code != 0)


def _root(error: BaseException) -> BaseException:
    """Unwrap pika's layers: a workflow of attempts, each with a phase, around what happened."""
    for _ in range(8):
        inner = getattr(error, "exceptions", None) or getattr(error, "exception", None) or error.args
        last = inner[-1] if isinstance(inner, list | tuple) and inner else inner
        if not isinstance(last, BaseException):
            break
        error = last
    return error
