"""A moment for payloads whose time does not matter."""

from __future__ import annotations

from datetime import UTC, datetime

AT = datetime(2026, 1, 31, 20, 15, 30, tzinfo=UTC)
