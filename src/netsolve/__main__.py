"""The program: every way it can end has its exit code and its line."""

import os
import sys
import traceback

import click

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit."""
    code = run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _closed_pipe()
    sys.exit(code)


def run() -> int:
    """Run the command line; the exit code."""
    from netsolve.cli import app  # noqa: PLC0415 - so that an interrupt while it loads is met below
    from netsolve.errors import DocumentError, UndecidedError  # noqa: PLC0415

    try:
        return app(prog_name="netsolve", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return _closed_pipe()
    except DocumentError as error:
        _say(str(error))
        return 2
    except UndecidedError as error:
        _say(f"not decided: {error}")
        return 3
    except OSError as error:
        _say(f"{error.filename or 'a file'}: {error.strerror or error}")
        return 2
    except Exception:  # noqa: BLE001 - the last line of defence, and it says so
        traceback.print_exc()
        _say("this is a fault of netsolve itself: please report it with the document and the lines above")
        return 4


def _say(text: str) -> None:
    """A line for the user, on standard error."""
    print(f"netsolve: {text}" if "\n" not in text else text, file=sys.stderr)


def _closed_pipe() -> int:
    """Whoever was reading has gone: end quietly, and let Python flush nothing more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    main()
