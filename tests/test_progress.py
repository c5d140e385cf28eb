"""Tests of netsolve.report.progress: a sign of life, on terminals only."""

import io
import sys
import threading

import pytest

from netsolve.report import progress as module
from netsolve.report.progress import progress


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, patience: float) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(module, "PATIENCE", patience)
    monkeypatch.setenv("TERM", "xterm")
    with progress("counting") as update:
        for timer in [t for t in threading.enumerate() if isinstance(t, threading.Timer)]:
            if not patience:
                timer.join()
        update("listed 7")
    return stream.getvalue()


def test_long_work_shows_itself_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "listed 7" in shown(monkeypatch, Terminal(), 0)


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "listed 7" not in shown(monkeypatch, Terminal(), 100)


def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, io.StringIO(), 0) == ""
