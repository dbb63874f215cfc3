"""What the processes log: one line an event on stderr, `key=value`, set up once."""

import logging
import sys
from datetime import UTC, datetime
from typing import Final

OURS: Final = ("mcoflow", "connectors", "webui")
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class KeyValue(logging.Formatter):
    """`2026-11-21T06:00:00.000Z level=info event=link.changed logger=mcoflow.world link=up`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, a traceback below it if there is one."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        parts = {
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **{key: value for key, value in record.__dict__.items() if key not in _STANDARD},
        }
        line = " ".join(
            [at.replace("+00:00", "Z"), *(f"{key}={_quoted(value)}" for key, value in parts.items())]
        )
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def set_up(level: str) -> None:
    """Log to stderr from this level on; of libraries only warnings."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(KeyValue())
    logging.basicConfig(level=logging.WARNING, handlers=[out], force=True)
    set_level(level)


def set_level(level: str) -> None:
    """Log what is ours from this level on."""
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())


def _quoted(value: object) -> str:
    """Return a value as one word, quoted if it is none; a line break could forge an event."""
    text = str(value)
    bare = text.isprintable() and not set(text) & set(" \"'=")
    return text if bare and text else ascii(text) if not text.isprintable() else f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
