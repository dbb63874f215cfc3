"""The executor's connector: declares the topology and consumes replies, presence, plans."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from connectors.amqp.clerk import Clerk, Job, Step
from connectors.amqp.clerks import Clerks
from connectors.amqp.connector import AmqpConnector
from connectors.amqp.failures import NOT_FOUND, PRECONDITION_FAILED, Failure
from connectors.amqp.intake import Consumer
from connectors.amqp.link import Backoff
from connectors.amqp.pika_wire import Channel, Wire
from connectors.amqp.steps import (
    delete_step,
    executor_steps,
    inspect_step,
    queue_steps,
    shared_steps,
    unbind_step,
)
from connectors.amqp.subscription import Subscription
from connectors.limits import CALL_TIMEOUT
from mcoflow.errors import ConfigurationError
from mcoflow.ports.bus import AgentQueue, Bells, Census, HostRequests, Inlet, Replies, Shared, Source

_T = TypeVar("_T")
_NOT_YET: Final = ""
_HOSTS_AT_ONCE: Final = 200
"""Hosts declared by one question: a slow broker too is done with them long before CALL_TIMEOUT."""


class AmqpExecutorConnector(AmqpConnector):
    """An ExecutorConnector on RabbitMQ."""

    role = "executor"

    def __init__(self, url: str, **settings: Any) -> None:
        """See AmqpConnector."""
        super().__init__(url, **settings)
        self._clerk = Clerk()
        self._clerks = Clerks()
        self._shared = False
        self._tokens: set[str] = set()
        self._subscriptions: dict[Source, Subscription] = {}
        self._backoff = Backoff(self._chance)
        self._wire: Wire | None = None
        self._problem: str | None = _NOT_YET
        self._stood: set[str] = set()  # whose queues were declared here
        self._anew = False

    # -- the port ----------------------------------------------------------------------------------------

    def consume(self, source: Source, inlet: Inlet, *, prefetch: int) -> None:
        """Hand over messages unacknowledged, also after each reconnect; declares the queues first."""
        if isinstance(source, HostRequests | AgentQueue):
            raise ConfigurationError(
                f"{source} belongs to the agent of its host: an executor takes its census only"
            )
        queue, consumer = self._topology.queue(source), Consumer(source, inlet)
        subscription = Subscription(queue, consumer, prefetch, self._subscription_ended)
        self._io.post(lambda: self._add(source, subscription))

    def stop_consuming(self, source: Source) -> None:
        """Undo consume; what is unsettled goes back."""
        self._io.post(lambda: self._drop_subscription(source))

    def declare_shared(self) -> None:
        """Declare the exchanges and the shared queues; again by itself after each reconnect."""
        self._ask("declare the shared queues", shared_steps(self._topology), lambda: None)
        self._shared = True

    def declare_host(self, host: str, collectives: AbstractSet[str]) -> None:
        """Declare the two queues of a host and their bindings."""
        queues, bindings = self._topology.host_queues(host), self._topology.host_bindings(host, collectives)
        self._ask(f"declare the queues of {host}", queue_steps(queues, bindings), lambda: None)

    def declare_hosts(self, hosts: Mapping[str, AbstractSet[str]]) -> None:
        """Declare the queues of many hosts, given with their collectives, several at a time."""
        steps = [
            queue_steps(self._topology.host_queues(host), self._topology.host_bindings(host, collectives))
            for host, collectives in hosts.items()
        ]
        for start in range(0, len(steps), _HOSTS_AT_ONCE):
            self._ask_side_by_side("declare the queues of hosts", steps[start : start + _HOSTS_AT_ONCE])

    def remove_host(self, host: str) -> None:
        """Delete the queues of a host and what is in them."""
        steps = [delete_step(queue.name) for queue in self._topology.host_queues(host)]
        self._ask(f"delete the queues of {host}", steps, lambda: None)

    def declare_executor(self, token: str) -> None:
        """Declare reply queue and doorbell of an executor; again by itself after each reconnect."""
        self._ask(f"declare the queues of {token}", executor_steps(self._topology, token), lambda: None)
        self._io.post(lambda: self._tokens.add(token))

    def retire_executor(self, token: str) -> bool:
        """Delete reply queue and doorbell if empty and unused; True if they are gone.

        The broker takes its time to delete a queue, and confirms what it still routes there, although it is
        lost (measured: 20 of 230 queues deleted under load lost some). So nothing is routed there any more
        when the deleting begins; it is stray.
        """
        bindings = self._topology.executor_bindings(token)
        unbind = [unbind_step(each) for each in bindings]
        self._ask(f"retire {token}", unbind, lambda: None, {NOT_FOUND: None})
        gone = self._delete_if_idle(token)
        if gone:
            self._io.post(lambda: self._forget(token))
        else:
            self._ask(f"keep {token}", queue_steps((), bindings), lambda: None)
        return gone

    def _forget(self, token: str) -> None:
        self._tokens.discard(token)
        self._stood.discard(token)

    def _delete_if_idle(self, token: str) -> bool:
        """Delete the queues of an executor unless there are replies, or readers of them.

        A quorum queue cannot be told to look itself: the broker cuts the connection of who asks for that.
        """
        replies, bell = self._topology.queue(Replies(token)), self._topology.queue(Bells(token))
        looks_itself = not self._topology.replicated
        if not looks_itself:
            found = self.census(Replies(token))
            if found is not None and (found.messages or found.consumers):
                return False
        steps = [delete_step(replies, only_idle=looks_itself), delete_step(bell)]
        return self._ask(f"delete {replies}", steps, lambda: True, {PRECONDITION_FAILED: False})

    def census(self, source: Source) -> Census | None:
        """Count messages and consumers; None: no such queue."""
        name, found = self._topology.queue(source), list[Census]()

        def ask(channel: Channel, then: Callable[[], None]) -> None:
            def answered(messages: int, consumers: int) -> None:
                found.append(Census(messages, consumers))
                then()

            channel.inspect_queue(name, answered)

        steps = [Step(f"count queue {name}", ask)]
        self._ask(f"count {name}", steps, lambda: None, {NOT_FOUND: None})
        return found[0] if found else None

    # -- asking ------------------------------------------------------------------------------------------

    def _ask(
        self,
        what: str,
        steps: Sequence[Step],
        result: Callable[[], _T],
        instead: "dict[int, _T] | None" = None,
    ) -> _T:
        """Have the clerk do the steps, and wait; `instead`: results for refusals of these codes."""

        def start(future: "Future[_T]") -> None:
            def failed(failure: Failure, step: str) -> None:
                if instead is not None and failure.code in instead:
                    future.set_result(instead[failure.code])
                else:
                    future.set_exception(failure.error(step))

            self._clerk.submit(Job(steps, lambda: future.set_result(result()), failed))

        return self._io.call(start, what, timeout=CALL_TIMEOUT)

    def _ask_side_by_side(self, what: str, errands: Sequence[Sequence[Step]]) -> None:
        """Have the clerks run the errands, and wait for all of them."""

        def start(future: "Future[None]") -> None:
            def failed(failure: Failure, step: str) -> None:
                future.set_exception(failure.error(step))

            def begin() -> None:
                self._clerks.submit(errands, lambda: future.set_result(None), failed)

            self._clerk.submit(Job([], begin, failed))  # after what is declared on a new link: exchanges

        self._io.call(start, what, timeout=CALL_TIMEOUT)

    # -- consuming, on the thread ------------------------------------------------------------------------

    def _add(self, source: Source, subscription: Subscription) -> None:
        self._drop_subscription(source)
        self._subscriptions[source] = subscription
        if isinstance(source, Shared):
            self._shared = True
        if self._wire is not None:
            self._declare_and_consume()

    def _drop_subscription(self, source: Source) -> None:
        subscription = self._subscriptions.pop(source, None)
        if subscription is not None:
            subscription.stop()

    def _declare_and_consume(self) -> None:
        """Declare what this connector relies on, then begin to consume what is not consumed yet."""
        consumed = {source.token for source in self._subscriptions if isinstance(source, Replies | Bells)}
        tokens = self._tokens | consumed  # not those let go: another executor may have deleted their queues
        for token in sorted(tokens & self._stood)[:1]:
            look = inspect_step(self._topology.queue(Replies(token)))
            self._clerk.submit(Job([look], lambda: None, self._missed))
        steps = shared_steps(self._topology) if self._shared or tokens else []
        for token in sorted(tokens):
            steps += executor_steps(self._topology, token)
        self._stood |= tokens
        self._clerk.submit(Job(steps, self._declared, self._not_declared))

    def _missed(self, failure: Failure, _: str) -> None:
        self._anew = self._anew or failure.code == NOT_FOUND

    def _was_made_anew(self) -> bool:
        anew, self._anew = self._anew, False
        return anew

    def _declared(self) -> None:
        self._problem = None
        self._backoff.reset()
        if self._wire is not None:
            for subscription in self._subscriptions.values():
                subscription.start(self._wire)
        self._changed()

    def _not_declared(self, failure: Failure, what: str) -> None:
        if self._wire is not None and self._wire.is_open:
            self._problem = str(failure.error(what))
            self._again()
            self._changed()

    def _subscription_ended(self, _: Subscription, failure: Failure) -> None:
        self._problem = str(failure.error("consuming channel"))
        self._again()
        self._changed()

    def _again(self) -> None:
        wire = self._wire
        self._io.later(self._backoff.next(), lambda: self._retry(wire))

    def _retry(self, wire: Wire | None) -> None:
        if wire is not None and wire is self._wire:
            self._declare_and_consume()

    def _consuming_up(self, wire: Wire) -> None:
        self._wire = wire
        self._clerk.link_up(wire)
        self._clerks.link_up(wire)
        self._declare_and_consume()

    def _consuming_down(self) -> None:
        self._wire, self._problem = None, _NOT_YET
        for subscription in self._subscriptions.values():
            subscription.link_down()
        self._clerk.link_down("the link to the broker was lost")
        self._clerks.link_down("the link to the broker was lost")

    def _pause(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.pause()

    def _trouble(self) -> str | None:
        return self._problem
