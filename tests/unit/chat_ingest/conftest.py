"""Log lines of these tests are captured: many are provoked on purpose."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import structlog

with warnings.catch_warnings():
    # twitchio inherits from what aiohttp would rather have wrapped.
    warnings.simplefilter("ignore", DeprecationWarning)
    import twitchio.web  # noqa: F401 - for its side effect of being imported
from structlog.testing import LogCapture


@pytest.fixture(autouse=True)
def logged() -> Iterator[LogCapture]:
    """Every log line of the test, as dictionaries."""
    capture = LogCapture()
    structlog.configure(processors=[capture], cache_logger_on_first_use=False)
    yield capture
    structlog.reset_defaults()
