"""A server that does not log its thousands of calls."""

import pytest

from services.config import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"log_calls": False})
