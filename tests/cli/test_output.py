import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ID = "dlv_01m841qfy1eserk5w2yhyvzhyx"
SENTENCE = "DELIVERED lies ahead of CREATED. It names the driver who counts now."
PROGRAM = f"""
from cli.output import print_table
print_table(("ID", "STATUS", "WHY"), [("{ID}", "delivered", "{SENTENCE}")], "nothing")
"""


def shown_on_a_terminal(width: int) -> str:
    """What somebody sees who looks at a terminal of this width."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": str(width), "TERM": "dumb", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", PROGRAM], stdout=theirs, env=environment, check=True, timeout=60)
    os.close(theirs)
    told = b""
    with contextlib.suppress(OSError):  # how a terminal that nobody holds any more says that it is over
        while piece := os.read(ours, 4096):
            told += piece
    os.close(ours)
    return told.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("width", [200, 80, 40, 20])
def test_an_identifier_is_whole_however_narrow_the_terminal(width: int) -> None:
    assert ID in shown_on_a_terminal(width)


def test_only_the_last_column_wraps() -> None:
    lines = shown_on_a_terminal(80).rstrip().split("\n")

    assert lines[1].startswith(f"{ID}  delivered  DELIVERED lies ahead")
    assert len(lines) > 2


def test_without_room_a_thing_stands_below_the_other() -> None:
    shown = shown_on_a_terminal(40)

    assert shown == f"id      {ID}\nstatus  delivered\nwhy     {SENTENCE}\n\n"
