"""What the Python tests share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sabot

sys.path.insert(0, str(Path(__file__).parent))  # For `reference`, the second definition of every kernel.


@pytest.fixture
def threads_restored() -> Iterator[None]:
    """For a test that sets the number of threads."""
    yield
    sabot.set_max_threads(0)
