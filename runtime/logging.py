"""Owns how every process logs: one structured line on stderr, with secrets blackened; knows nothing of what
is logged.

JSON for machines, and for people when stderr is a terminal or CROSSDOCK_LOG_FORMAT=console. The standard
library's loggers (uvicorn, grpc, SQLAlchemy) come out in the same form, whatever they logged with.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

SECRET_NAME = re.compile(
    r"authori[sz]ation|token|secret|passw(or)?d|passphrase|api_?key|private_?key|signature|cookie|credential",
    re.IGNORECASE,
)
# No word boundary in front: a rendered line may have a colour code or an escaped newline there.
OUR_TOKEN = re.compile(r"(xd|whsec)_[A-Za-z0-9+/=_-]{8,}")
# Secrets inside of prose: somebody's error message, a dumped header, a database address.
IN_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (OUR_TOKEN, rf"\1_{REDACTED}"),
    (re.compile(r"(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"(://[^\s:/@]*:)[^\s/@]+@"), rf"\1{REDACTED}@"),
    (
        re.compile(
            r"((?:authorization|x-access-token|x-api-key|password|secret|signature)[\"']?\s*[=:]\s*[\"']?)"
            r"(?!(?:Bearer|Basic)\b|\[redacted\])[^\s\"',;)}\]]+",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
)


# Every text in which one of the patterns above can match is one of our tokens or has one of these in it; most of what
# is logged is neither. (An alternation of the words themselves costs as much as the patterns do.)
_PROSE = re.compile(r"[\s=:]")


# The standard library makes an encoder anew for each line that is not in its own default form.
_to_json = json.JSONEncoder(default=repr).encode


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return SECRET_NAME.search(name.replace("-", "_")) is not None


def configure(service: str, level: str = "INFO", *, console: bool | None = None) -> None:
    """Set up logging of this process, named `service`, from `level` (DEBUG, INFO, WARNING, ERROR) up."""
    if console is None:
        wished = os.environ.get("CROSSDOCK_LOG_FORMAT", "")
        console = wished == "console" or (wished != "json" and sys.stderr.isatty())
    number = logging.getLevelNamesMapping()[level.upper()]

    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    enrich: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        add_service,
    ]
    render: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # plain tracebacks: structured ones carry variables' values
        redact,
        # After the look for secrets: a time looks like prose, and prose is looked at more closely.
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.dev.ConsoleRenderer() if console else _as_json,
        cast("Processor", redact_line),  # after the renderer an event is its line
    ]
    structlog.configure(
        processors=[*enrich, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _CurrentStderr())),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_CurrentStderr())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*enrich, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Blacken the values of secret names, at any depth, and secrets inside of texts."""
    if not _has_secret_name(tuple(event)) and _is_plain(event.values()):
        return event  # nearly every line; the look at each value would cost three times as much
    return {name: _redacted(name, value) for name, value in event.items()}


def redact_line(_: WrappedLogger, __: str, line: str) -> str:
    """The last look, for what only rendering turned into text: nothing that looks like a token of ours
    leaves.
    """
    return OUR_TOKEN.sub(rf"\1_{REDACTED}", line) if "xd_" in line or "whsec_" in line else line


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return _to_json(event)


# A line of code logs the same names each time.
@lru_cache(maxsize=1024)
def _has_secret_name(names: tuple[str, ...]) -> bool:
    return any(map(_is_secret, names))


def _is_plain(values: Iterable[Any]) -> bool:
    """Whether none of the patterns can match in any of the values."""
    texts = []
    for value in values:
        if isinstance(value, str):
            texts.append(value)
        elif not (value is None or isinstance(value, int | float)):
            return False
    text = "\0".join(texts)
    return not ("xd_" in text or "whsec_" in text or _PROSE.search(text))


def _redacted(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _is_secret(name):
        return REDACTED
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        if "xd_" in value or "whsec_" in value or _PROSE.search(value):
            for pattern, replacement in IN_TEXT:
                value = pattern.sub(replacement, value)
        return value
    if isinstance(value, Mapping):
        return {str(key): _redacted(str(key), inner) for key, inner in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        items = list(value)
        if len(items) == 2 and isinstance(items[0], str | bytes):  # a header, in ASGI as bytes
            name = items[0].decode(errors="replace") if isinstance(items[0], bytes) else items[0]
            return [_redacted("", name), _redacted(name, items[1])]
        return [_redacted("", item) for item in items]
    return value if isinstance(value, int | float) else _redacted("", repr(value))


class _CurrentStderr:
    """Whatever `sys.stderr` is at the moment of writing."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
