"""Log lines of these tests are captured: many are provoked on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import LogCapture


@pytest.fixture(autouse=True)
def logged() -> Iterator[LogCapture]:
    """Every log line of the test, as dictionaries."""
    capture = LogCapture()
    structlog.configure(processors=[capture], cache_logger_on_first_use=False)
    yield capture
    structlog.reset_defaults()
