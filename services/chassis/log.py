"""Structured logs: readable on a terminal, one JSON object a line in a container.

``bind(move_id=…)`` puts a value on every line of the present task, so that a move can be followed through a service.
"""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars as bind
from structlog.typing import Processor

__all__ = ["LogFormat", "bind", "configure", "get"]


class LogFormat(StrEnum):
    """How lines look: ``auto`` is ``text`` on a terminal and ``json`` elsewhere."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


def get(name: str) -> Any:
    """A logger; the event comes first and says what happened, everything else is a keyword."""
    return structlog.stdlib.get_logger(name)


def configure(service: str, fmt: LogFormat, level: str) -> None:
    """Send every log line of this process, libraries' included, to standard error in *fmt*."""
    json = fmt is LogFormat.JSON or (fmt is LogFormat.AUTO and not sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    render: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str, ensure_ascii=True)]
        if json
        # Where rich is installed, structlog would show every frame's values with a traceback, tokens among them.
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )

    def name_service(_: Any, __: str, event: Any) -> Any:
        event["service"] = service
        return event

    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, name_service, *render],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At `debug` botocore writes whole requests with their session token, and apprise addresses with a bot's token.
    for chatty in ("urllib3", "asyncio", "websockets", "boto3", "botocore", "apprise"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
