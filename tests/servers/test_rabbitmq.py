"""The private RabbitMQ does what tests ask of it."""

import pika
import pytest

from tests.servers.rabbitmq import RabbitMQ

pytestmark = pytest.mark.rabbitmq


def test_a_killed_server_comes_back_with_its_durable_queues(rabbitmq: RabbitMQ, rabbitmq_url: str) -> None:
    queue = f"{rabbitmq.new_prefix()}.kept"
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        connection.channel().queue_declare(queue, durable=True)

    rabbitmq.kill()
    assert not rabbitmq.running
    rabbitmq.start()

    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        connection.channel().queue_delete(queue)
    assert rabbitmq.node.split("@")[0] in rabbitmq.ctl("status")
