"""The engine's story on memory://."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stories.engine_story import EngineStory, Scene, fresh_prefix, scene


class TestEngineOnMemory(EngineStory):
    @pytest.fixture
    def stage(self, tmp_path: Path) -> Iterator[Scene]:
        with scene(tmp_path, "memory://", fresh_prefix()) as played:
            yield played
