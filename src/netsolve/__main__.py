"""The program: every way it can end has its exit code and its line."""

import codecs
import gc
import io
import json
import os
import re
import sys
import traceback
from pathlib import Path

INTERRUPTED = 130
MANY = 100_000
"""New objects between two collections of garbage: importing torch makes that many, and all of them stay."""


def main() -> None:
    """Run the command line and exit."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = sys.stdout or nowhere  # None where whoever started the program closed it
        sys.stderr = sys.stderr or nowhere
        codecs.register_error("escape", _escaped)
        gc.set_threshold(MANY)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="escape")
        sys.exit(run())


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Signs that an output has no bytes for, written as JSON escapes them, so that JSON stays JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def run() -> int:
    """Run the command line; the exit code."""
    try:
        from netsolve.cli import app  # noqa: PLC0415 - so that an interrupt while it loads is met below

        code = int(app(prog_name="netsolve", standalone_mode=False) or 0)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # rich and typer turn the former into the latter
        _drop_output()
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line of defence, and it says so
        return _ended(error)
    return code if code != INTERRUPTED else _ended(KeyboardInterrupt())  # newer typers say nothing of an interrupt


def _meant(message: str) -> str:
    """What somebody meant whose first word is no command."""
    word = re.search(r"No such command '(.+)'", message)
    if word is None:
        return ""
    file = word[1].endswith(".toml") or Path(word[1]).is_file()
    return (
        f" Did you mean: netsolve solve {word[1]}?" if file else " See: netsolve --help." if word[1] == "help" else ""
    )


def _ended(error: BaseException) -> int:
    """Say why the program ends; the exit code."""
    from netsolve.cli import Abort, UsageError  # noqa: PLC0415 - imported where its errors are caught
    from netsolve.errors import FAULT, DocumentError, TorchError, UndecidedError, printable  # noqa: PLC0415 - likewise

    if isinstance(error, UsageError):
        error.message += _meant(error.message)
        error.show()
        return 2
    match error:
        case Abort() | KeyboardInterrupt():
            text, code = "interrupted", INTERRUPTED
        case DocumentError():
            text, code = str(error), 2
        case UndecidedError():
            text, code = f"not decided: {error}", 3
        case TorchError():
            text, code = str(error), 1
        case OSError():
            text, code = f"{printable(str(error.filename or 'standard output'))}: {error.strerror or error}", 2
            if error.filename is None:
                _drop_output()
        case _:
            traceback.print_exception(error)
            text, code = FAULT, 4
    sys.stderr.write(f"{text if chr(10) in text else 'netsolve: ' + text}\n")
    return code


def _drop_output() -> None:
    """Let Python flush nothing more to an output that is gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
