"""What an engine gives."""

from collections.abc import Mapping

from netsolve.problem import Variable

Assignment = Mapping[Variable, int]
"""An integer for every variable of a problem."""
