"""Free ports for tests; never a fixed one, so that several suites run on one machine."""

from __future__ import annotations

from deploy.simulators.ports import LOOPBACK, accepts_connections, free_port, is_free

__all__ = ["LOOPBACK", "accepts_connections", "free_port", "is_free"]
