"""Every message that a dialect reads, written again: nothing is lost, and what changes is listed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.inbound import MalformedMessage
from gateway.dialects.registry import INBOUND, OUTBOUND
from gateway.strict_json import loads
from tests.dialects.messages import HERE, happened, leaves, read, sample, samples, written
from tests.dialects.normalisations import ABSENT, NORMALISATIONS, Normalisation

BOTH_WAYS = sorted(INBOUND.keys() & OUTBOUND.keys())
SAMPLES = [path for dialect in BOTH_WAYS for path in samples(dialect)]
EVERY_SAMPLE = [path for dialect in INBOUND for path in samples(dialect)]
NOTHING_TOLD = {
    "proof_missing",
    "documented_rider-proof-delivery",
    "live_tracking_of_nothing",
    "without_status",
}
"""Messages that are understood and hold nothing to tell: a proof that is not there, an order of which nothing is
known but that it is there."""


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def differences(path: Path) -> tuple[dict[str, Any], list[tuple[str, Any, Any]]]:
    """The document, and every place in which it differs from what is written last of it."""
    document, report = sample(path)
    last = written(path.parent.name, happened(report))[-1]
    before, after = dict(leaves(document)), dict(leaves(last))
    places = {pointer: (before.get(pointer, ABSENT), after.get(pointer, ABSENT)) for pointer in {**before, **after}}
    return document, [(pointer, read, told) for pointer, (read, told) in places.items() if read != told]


def rules_for(path: Path) -> list[Normalisation]:
    """The rules that this sample needs. Fails for a difference that none explains."""
    document, found = differences(path)
    needed = []
    for pointer, came, went in found:
        rule = next(
            (each for each in NORMALISATIONS[path.parent.name] if each.fits(pointer, came, document, went)), None
        )
        assert rule is not None, f"{pointer}: {came!r} came in and {went!r} went out"
        needed.append(rule)
    return needed


def test_every_dialect_that_reads_and_writes_says_what_it_normalises() -> None:
    assert sorted(NORMALISATIONS) == BOTH_WAYS


@pytest.mark.parametrize("path", SAMPLES, ids=name)
def test_a_message_that_came_in_goes_out_as_it_was_but_for_what_is_listed(path: Path) -> None:
    report = sample(path)[1]
    if report.unmapped or path.stem in NOTHING_TOLD:
        assert written(path.parent.name, happened(report)) == []
    else:
        rules_for(path)


@pytest.mark.parametrize("dialect", BOTH_WAYS)
def test_the_documented_examples_need_the_least(dialect: str) -> None:
    documented = [
        path for path in samples(dialect) if path.stem.startswith("documented") and path.stem not in NOTHING_TOLD
    ]

    changed = {path.stem for path in documented if rules_for(path)}

    assert documented
    assert changed <= {
        "documented_rider-refund_quoted",  # its amounts are the words `number` and `value`
        "documented_order_with_every_member",  # its telephone numbers are integers, which the other example's are not
    }


@pytest.mark.parametrize("stem", ["documented_order_with_every_member", "documented_live_tracking"])
def test_members_of_evermile_go_out_in_the_order_in_which_they_are_documented(stem: str) -> None:
    """Those too that the hub keeps as extensions, in maps, which have no order."""
    document, report = sample(HERE / "evermile" / f"{stem}.json")

    assert_in_order(written("evermile", happened(report))[-1], document)


def assert_in_order(told: Any, documented: Any) -> None:
    if isinstance(told, list):
        for each, other in zip(told, documented, strict=True):
            assert_in_order(each, other)
    elif isinstance(told, dict) and isinstance(documented, dict):
        assert [each for each in told if each in documented] == [each for each in documented if each in told]
        for member in told.keys() & documented.keys():
            assert_in_order(told[member], documented[member])


@pytest.mark.parametrize("dialect", BOTH_WAYS)
def test_no_normalisation_is_listed_for_nothing(dialect: str) -> None:
    told = [path for path in samples(dialect) if not sample(path)[1].unmapped and path.stem not in NOTHING_TOLD]

    needed = {rule.pointer + rule.why for path in told for rule in rules_for(path)}

    assert needed == {rule.pointer + rule.why for rule in NORMALISATIONS[dialect]}


@pytest.mark.parametrize("outbound", OUTBOUND)
@pytest.mark.parametrize("path", EVERY_SAMPLE, ids=name)
def test_every_message_crosses_into_every_dialect(path: Path, outbound: str) -> None:
    for document in written(outbound, happened(sample(path)[1])):
        assert json.loads(json.dumps(document, allow_nan=False)) == document


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(["", " ", "x" * 20_000, "\u202e💥", "2024-04-09T15:00:00:00.000Z", "-0", "1e400", "javascript:x"]),
    st.text(max_size=20),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member and entry of a document: what holds it, and under which name."""
    for name, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, name
        yield from places(each)


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from(EVERY_SAMPLE), data=st.data())
def test_a_message_that_is_not_as_documented_raises_nothing_on_its_way_into_any_dialect(
    path: Path, data: st.DataObject
) -> None:
    document = loads(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        holder, member = data.draw(st.sampled_from(list(places(document))))
        if isinstance(holder, dict) and data.draw(st.booleans()):
            del holder[member]
            holder[data.draw(st.text(max_size=5))] = data.draw(VALUES)
        else:
            holder[member] = data.draw(VALUES)
        if not list(places(document)):
            break
    try:
        report = read(path.parent.name, document).report
    except MalformedMessage:
        return

    told = list(happened(report))

    for outbound in OUTBOUND:
        for made in written(outbound, told):
            json.dumps(made, allow_nan=False)
