"""The crossings between dialects as tables in Markdown; knows no dialect."""

from collections.abc import Iterable, Mapping

from crossdock.v1 import delivery_pb2 as pb

from tests.dialects.crossings import STATUSES, Form, inbound_forms, outbound_forms
from tests.dialects.filled import paths
from tests.dialects.normalisations import NORMALISATIONS

OPENED = ("courier", "links", "estimates", "consignment", "status_reason")
"""Members that are listed by their own members; of the others one line tells whether anything of them is told."""


def tables() -> str:
    """Everything that is generated of `docs/dialects.md`."""
    inbound, outbound = inbound_forms(), outbound_forms()
    return "\n\n".join(
        (
            "## Statuses in",
            _words(inbound),
            "## Statuses out",
            _words(outbound),
            "## Members of a delivery",
            _members(inbound, outbound),
            "## Crossings",
            _matrix(inbound, outbound),
            "## What gets lost on the way",
            _losses(inbound, outbound),
        )
    )


def _words(forms: Mapping[str, Form]) -> str:
    told = {name: form for name, form in forms.items() if form.words}
    rows = [
        [
            _name(status),
            *(", ".join(f"`{word}`" for word in form.words.get(status, [])) or "-" for form in told.values()),
        ]
        for status in STATUSES
    ]
    return _table(["status", *told], rows)


def _members(inbound: Mapping[str, Form], outbound: Mapping[str, Form]) -> str:
    names = list(dict.fromkeys((*inbound, *outbound)))
    rows = []
    for line in dict.fromkeys(_line(path) for path in paths(pb.Delivery.DESCRIPTOR)):
        cells = [
            " ".join(
                direction
                for direction, forms in (("in", inbound), ("out", outbound))
                if name in forms and any(_line(path) == line for path in forms[name].members)
            )
            for name in names
        ]
        rows.append([f"`{line}`", *(cell or "–" for cell in cells)])
    return _table(["member", *names], rows)


def _matrix(inbound: Mapping[str, Form], outbound: Mapping[str, Form]) -> str:
    rows = [
        [name, *(_all_of_it(name, other) or _share(come, go) for other, go in outbound.items())]
        for name, come in inbound.items()
    ]
    return _table(["in ↓ out →", *outbound], rows)


def _losses(inbound: Mapping[str, Form], outbound: Mapping[str, Form]) -> str:
    told = []
    for come, known in inbound.items():
        for go, form in outbound.items():
            lost = _collapsed(_lines(known.members) - _lines(form.members), _lines(known.members))
            statuses = [_name(each) for each in STATUSES if each in known.words and each not in form.words]
            parts = [", ".join(f"`{each}`" for each in lost)] if lost else []
            parts += [f"statuses {', '.join(statuses)}"] if statuses else []
            if parts and not _all_of_it(come, go):
                told.append(f"* **{come} → {go}**: {'; '.join(parts)}")
    return "\n".join(told)


def _all_of_it(come: str, go: str) -> str:
    """Within a dialect the messages themselves are compared: see `normalisations`."""
    return "all" if come == go and come in NORMALISATIONS else ""


def _share(come: Form, go: Form) -> str:
    lines = _lines(come.members)
    return f"{len(lines & _lines(go.members))} of {len(lines)}"


def _collapsed(lost: set[str], known: set[str]) -> list[str]:
    """The lines, with one for a member of which all that is known is lost."""
    whole = {each for each in OPENED if _below(each, known) and _below(each, lost) == _below(each, known)}
    return sorted(whole | {line for line in lost if line.split(".")[0] not in whole})


def _below(member: str, lines: set[str]) -> set[str]:
    return {line for line in lines if line.split(".")[0] == member}


def _lines(members: Iterable[str]) -> set[str]:
    return {_line(path) for path in members}


def _line(path: str) -> str:
    parts = path.split(".")
    return ".".join(parts[: 2 if parts[0] in OPENED else 1])


def _name(status: pb.DeliveryStatus.ValueType) -> str:
    return pb.DeliveryStatus.Name(status).removeprefix("DELIVERY_STATUS_")


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
