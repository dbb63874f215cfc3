"""The engine's story on RabbitMQ."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.rabbitmq import RabbitMQ
from tests.stories.engine_story import EngineStory, Scene, scene


class TestEngineOnRabbitMQ(EngineStory):
    @pytest.fixture
    def stage(self, tmp_path: Path, rabbitmq: RabbitMQ, rabbitmq_url: str) -> Iterator[Scene]:
        with scene(tmp_path, rabbitmq_url, rabbitmq.new_prefix()) as played:
            yield played
