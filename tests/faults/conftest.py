"""What processes that share a store begin with."""

from pathlib import Path

import pytest

from chatsvc.config import Settings


@pytest.fixture
def settings(database_address: str, redis_address: str, tmp_path: Path) -> Settings:
    """What all processes of one store have in common."""
    return Settings.from_environment(
        {
            "HOLDLINE_DATABASE_URL": database_address,
            "HOLDLINE_REDIS_URL": redis_address,
            "HOLDLINE_DATA_DIR": str(tmp_path),
            "HOLDLINE_SECRET_KEY": "x" * 48,
        }
    )
