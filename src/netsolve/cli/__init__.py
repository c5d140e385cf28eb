"""The command line: a module for each group of commands; nothing heavy is imported before a command needs it."""

from netsolve.cli.base import Abort, UsageError, app
from netsolve.cli.batch import batch, sweep
from netsolve.cli.check import check
from netsolve.cli.explain import explain, repair
from netsolve.cli.ops import ops, schema
from netsolve.cli.report import report
from netsolve.cli.sizes import sizes
from netsolve.cli.solve import count, solve
from netsolve.cli.trace import trace

COMMANDS = (solve, count, check, explain, repair, sizes, trace, report, sweep, batch, ops, schema)
"""All commands, in the order of `netsolve --help`."""

for command in COMMANDS:
    app.command()(command)

__all__ = ["COMMANDS", "Abort", "UsageError", "app"]
