"""RabbitMQ through pika: the production bus."""

from connectors.amqp.agent import AmqpAgentConnector
from connectors.amqp.executor import AmqpExecutorConnector

__all__ = ["AmqpAgentConnector", "AmqpExecutorConnector"]
