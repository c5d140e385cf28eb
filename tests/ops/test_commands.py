"""`netsolve ops` and `netsolve schema` from the command line."""

import json

from typer.testing import CliRunner

from netsolve.cli import app

run = CliRunner().invoke


def test_ops() -> None:
    result = run(app, ["ops"])
    assert result.exit_code == 0
    assert "\nConv2d " in result.stdout


def test_one_op() -> None:
    result = run(app, ["ops", "Flatten"])
    assert result.exit_code == 0
    assert result.stdout.startswith("Flatten\n")


def test_an_unknown_op_is_a_mistake_of_usage() -> None:
    result = run(app, ["ops", "conv2d"])
    assert result.exit_code == 2
    assert "there is no operator conv2d; did you mean Conv2d" in " ".join(result.output.split())


def test_schema() -> None:
    result = run(app, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["required"] == ["layers"]
