"""Steps that are told and checked: a step without a check, or with one that fails, fails the story; knows no step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from cli.output import printable


class StepFailed(Exception):
    """A step did not come out as it must; the message says which fact."""


@dataclass
class Step:
    """One thing that is done, and the facts that were found."""

    title: str
    told: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    lines: list[Text] = field(default_factory=list)
    problem: str = ""
    seconds: float = 0.0

    def tell(self, line: str) -> None:
        """What is done, in a line for people."""
        self.told.append(line)
        self.lines.append(Text(printable(line), style="cyan"))

    def expect(self, fact: str, found: Any, wanted: Any) -> None:
        """A fact that must be exactly so."""
        if found != wanted:
            raise StepFailed(f"{fact}: {_shown(found)}, and should be {_shown(wanted)}")
        self._keep(fact, _shown(found))

    def require(self, fact: str, holds: bool) -> None:
        """A fact that must hold."""
        if not holds:
            raise StepFailed(f"not so: {fact}")
        self._keep(fact, "")

    def _keep(self, fact: str, found: str) -> None:
        self.facts.append((fact, found))
        self.lines.append(Text.assemble("· ", printable(fact), (f"  {printable(found)}", "green")))

    def as_dict(self) -> dict[str, Any]:
        facts = [{"fact": fact, "found": found} if found else {"fact": fact} for fact, found in self.facts]
        document = {"title": self.title, "ok": not self.problem, "seconds": round(self.seconds, 3)}
        return {**document, "told": self.told, "facts": facts, **({"problem": self.problem} if self.problem else {})}


class Story:
    """The steps so far; told as they happen unless `silent`."""

    def __init__(self, *, silent: bool = False) -> None:
        self.steps: list[Step] = []
        self._console = Console(highlight=False, markup=False, emoji=False, quiet=silent)
        self._began = time.monotonic()

    @property
    def ok(self) -> bool:
        return bool(self.steps) and not any(step.problem for step in self.steps)

    @property
    def checks(self) -> int:
        return sum(len(step.facts) for step in self.steps)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Raises StepFailed, whatever it was that went wrong."""
        step, began = Step(title), time.monotonic()
        self.steps.append(step)
        try:
            yield step
            if not step.facts:
                raise StepFailed("nothing was checked")
        except StepFailed as failure:
            step.problem = str(failure)
            raise
        except Exception as error:
            step.problem = f"{type(error).__name__}: {error}"
            raise StepFailed(step.problem) from error
        finally:
            step.seconds = time.monotonic() - began
            self._narrate(step)

    def say(self, line: str, style: str = "") -> None:
        """A line between the steps."""
        self._console.print(Text(printable(line), style=style))

    def _narrate(self, step: Step) -> None:
        mark, style = ("✗", "bold red") if step.problem else ("✓", "bold green")
        self._console.print(Text.assemble((mark, style), " ", (step.title, "bold"), (f"  {step.seconds:.1f} s", "dim")))
        problem = [Text(f"✗ {printable(step.problem)}", style="red")] if step.problem else []
        for line in (*step.lines, *problem):
            self._console.print(Padding(line, (0, 0, 0, 4), expand=False))


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode(errors="backslashreplace")
    return value if isinstance(value, str) else repr(value)
