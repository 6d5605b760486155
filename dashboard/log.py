"""One shape for every log line, ours and the libraries': text for people, JSON for collectors."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.dev import plain_traceback

SHARED = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
)


class PlainRefusals(logging.Filter):
    """
    Takes the traceback from what Django tells about requests that it refused: a wrong host, a
    forged session, too many fields. It is the client's fault, and anybody could fill the log with it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.exc_info = None
        return True


def logging_settings(level: str, shape: str) -> dict[str, Any]:
    """
    Set structlog up and return Django's LOGGING.

    Args:
        level: The lowest level written: ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``.
        shape: ``text`` or ``json``, one object a line.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    ending: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if shape == "json":
        ending += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        ending += [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)
        ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": ending,
                "foreign_pre_chain": SHARED,
            }
        },
        "filters": {"plain_refusals": {"()": PlainRefusals}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "structured",
                "filters": ["plain_refusals"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would write each line a second time.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # These announce themselves at INFO; what they do is ours to tell.
            "celery": {"level": "WARNING"},
            "kombu": {"level": "WARNING"},
            "django_celery_beat": {"level": "WARNING"},
            "uvicorn": {"level": "WARNING"},
            "asyncio": {"level": "WARNING"},
        },
    }
