import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.demo.story import StepFailed, Story
from tests.cli.running_hubs import crossdock, surroundings


def test_the_demo_checks_every_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = crossdock("demo", "--json", TMPDIR=str(tmp_path), CROSSDOCK_DATABASE_URL="postgresql://the.users/own")

    story = json.loads(done.stdout)
    assert done.returncode == 0, story
    assert story["ok"]
    assert len(story["steps"]) >= 15
    assert all(step["ok"] and step["facts"] for step in story["steps"])
    assert list(tmp_path.iterdir()) == []


def test_a_hub_that_does_not_start_fails_the_demo(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "demo"],
        env=surroundings(TMPDIR=str(tmp_path), CROSSDOCK_POSTGRES_BIN=os.fspath(tmp_path)),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 1
    assert "✗ A hub starts" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_fact_fails_the_story() -> None:
    story = Story(silent=True)

    with pytest.raises(StepFailed, match="the answer: 500, and should be 200"), story.step("it answers") as step:
        step.expect("the answer", 500, 200)

    assert not story.ok


def test_a_step_that_checked_nothing_fails_the_story() -> None:
    story = Story(silent=True)

    with pytest.raises(StepFailed, match="nothing was checked"), story.step("it is told") as step:
        step.tell("something")

    assert not story.ok


def test_a_story_without_steps_is_none() -> None:
    assert not Story(silent=True).ok
