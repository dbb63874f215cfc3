"""The topology as questions for the clerk."""

from collections.abc import Iterable

from connectors.amqp.clerk import Step
from mcoflow.wire.topology import Binding, Exchange, Queue, Topology


def shared_steps(topology: Topology) -> list[Step]:
    """Declare the exchanges and the queues that executors share."""
    return [
        *(_exchange(exchange) for exchange in topology.exchanges()),
        *queue_steps(topology.shared_queues(), topology.shared_bindings()),
    ]


def executor_steps(topology: Topology, token: str) -> list[Step]:
    """Declare the queues of one executor."""
    return queue_steps(topology.executor_queues(token), topology.executor_bindings(token))


def queue_steps(queues: Iterable[Queue], bindings: Iterable[Binding]) -> list[Step]:
    """Declare queues, then fill them."""
    return [*(_queue(queue) for queue in queues), *(_bind(binding) for binding in bindings)]


def inspect_step(name: str) -> Step:
    """Look whether a queue is there; NOT_FOUND if it is not."""
    return Step(
        f"look for queue {name}", lambda channel, then: channel.inspect_queue(name, lambda *_: then())
    )


def delete_step(name: str, *, only_idle: bool = False) -> Step:
    """Delete a queue; a queue that is not there counts as deleted."""
    return Step(
        f"delete queue {name}",
        lambda channel, then: channel.delete_queue(name, only_idle=only_idle, then=then),
    )


def unbind_step(binding: Binding) -> Step:
    """Let nothing more get into a queue."""
    return Step(
        f"unbind queue {binding.queue}",
        lambda channel, then: channel.unbind(binding.queue, binding.exchange, binding.key, then),
    )


def _exchange(exchange: Exchange) -> Step:
    return Step(
        f"declare exchange {exchange.name}",
        lambda channel, then: channel.declare_exchange(
            exchange.name, exchange.type, exchange.arguments, then
        ),
    )


def _queue(queue: Queue) -> Step:
    return Step(
        f"declare queue {queue.name}",
        lambda channel, then: channel.declare_queue(queue.name, queue.arguments, then),
    )


def _bind(binding: Binding) -> Step:
    return Step(
        f"bind queue {binding.queue}",
        lambda channel, then: channel.bind(binding.queue, binding.exchange, binding.key, then),
    )
