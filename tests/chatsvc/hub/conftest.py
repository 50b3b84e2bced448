"""A hub on a small world."""

from collections.abc import AsyncIterator

import pytest

from tests.chatsvc.hub.cast import Stage, World


@pytest.fixture
def world() -> World:
    """The rooms below, empty."""
    return World()


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    """A started hub; what is stored in the world reaches it at once."""
    stage = Stage(world)
    world.logs.on_stored = stage.hub.stored
    await stage.hub.start()
    yield stage
    await stage.closes()
