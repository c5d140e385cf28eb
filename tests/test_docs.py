"""Every block of code in README and docs, run as it stands; and the site that they make."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from netsolve import loads

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(kind, text, id=f"{path.name}-{place}-{kind}")
    for path in PAGES
    for place, (kind, text) in enumerate(
        re.findall(r"^```(\w*)\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    )
    if kind != "text" and ".venv/" not in text
]
"""All but text, and the commands that make an environment: these the README's reader (and the set-up) runs."""


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Path:
    """A folder with the examples, in which blocks may write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


@pytest.mark.parametrize(("kind", "text"), BLOCKS)
def test_a_block_of_code(kind: str, text: str, place: Path) -> None:
    if kind == "toml":
        loads(text)
        return
    assert kind in {"python", "sh"}
    program = text if kind == "python" else f'set -e\nnetsolve() {{ "{sys.executable}" -m netsolve "$@"; }}\n{text}'
    command = [sys.executable, "-c", program] if kind == "python" else ["/bin/sh", "-c", program]
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


SHOWN = ("solve examples/netd.toml", "explain examples/broken/lenet5_on_mnist.toml", "sizes examples/mdnet.toml")


@pytest.mark.parametrize(("place", "command"), list(enumerate(SHOWN)))
def test_the_readme_shows_what_a_command_prints(place: int, command: str) -> None:
    shown = re.findall(r"^```text\n(.*?)^```", PAGES[0].read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(shown) == len(SHOWN)
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-m", "netsolve", *command.split()],
        cwd=ROOT,
        env=environment | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.decode() == shown[place]


def test_there_are_blocks_of_each_kind() -> None:
    assert {param.values[0] for param in BLOCKS} == {"toml", "python", "sh"}


@pytest.mark.skipif(find_spec("mkdocs") is None, reason="mkdocs is not installed (the extra `docs`)")
def test_the_site_is_made_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "recipes" / "index.html").is_file()
