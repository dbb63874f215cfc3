"""The amqp connector against a real RabbitMQ that fails in every way."""
