"""Who fits, in which order, and why."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from crossdock.v1.carrier_pb2 import CarrierRecord
from crossdock.v1.shipment_pb2 import Candidate, CandidateFate, Shipment
from hypothesis import given
from hypothesis import strategies as st

from tests.services.dispatching.offers import offer, order, ranked, rule

RULES = (
    "EXCLUDE not too dear: price > 1500",
    "EXCLUDE not express: quote.service_level.id == 'express'",
    "REQUIRE in time: dropoff_minutes <= 90",
    "REQUIRE not c: carrier.ref != 'c'",
    "PREFER ours: carrier.ref in ['b', 'd']",
    "PREFER near: distance_km < 3.0",
    "PREFER known: shipment.order_attributes.never_there == true",
    "SORT cheapest: price",
    "SORT hour: dropoff_minutes / 60",
    "SORT reliable: 1.0 - carrier.record.on_time_share",
    "SORT rough price: price / 500",
    "SORT odd ones fail: 100 / (price % 2)",
)
PUTTING_OUT = ("EXCLUDE", "REQUIRE")


def fate(candidate: Candidate) -> str:
    return CandidateFate.Name(candidate.fate).removeprefix("CANDIDATE_FATE_")


def by_ref(candidates: Sequence[Candidate], ref: str) -> Candidate:
    return next(each for each in candidates if each.carrier_ref == ref)


def test_without_rules_price_then_dropoff_then_ref_decide() -> None:
    offers = [offer("d", 900), offer("c", 800, 50), offer("b", 800, 40), offer("a", 800, 50), offer("z", 0)]

    found = ranked(offers)

    assert order(found) == ["b", "a", "c", "d", "z"]
    assert [each.rank for each in found] == [1, 2, 3, 4, 5]
    assert [each.explanation for each in found] == [
        "It comes first, by price, drop-off and ref.",
        "B delivers earlier at the same price.",
        "It is as good as A, which comes first by its ref.",
        "C is cheaper.",
        "The rules leave it equal to D.",
    ]
    assert {each.decided_by for each in found} == {""}


def test_offers_of_one_carrier_are_told_apart_by_their_level() -> None:
    express, standard = offer("a", 900, level="express"), offer("a", 800)
    express.quote.service_level.display_name = "Express"

    assert ranked([express, standard])[1].explanation == "A (standard) is cheaper."
    assert ranked([express, standard], ["SORT dear: -price"])[1].explanation == (
        'Rule "dear" puts A (Express) before it: -900 against -800.'
    )


def test_two_currencies_are_not_called_cheaper() -> None:
    yen = offer("a")
    yen.quote.price.currency_code, yen.quote.price.units = "JPY", 500

    assert ranked([yen, offer("b")])[1].explanation == "The rules leave it equal to A."


def test_rules_that_put_out_come_before_all_others_wherever_they_stand() -> None:
    given = ["SORT cheapest: price", "EXCLUDE no a: carrier.ref == 'a'", "REQUIRE quick: dropoff_minutes < 60"]

    found = ranked([offer("a", 100, 10), offer("b", 200, 10), offer("c", 150, 70)], given)

    assert [(each.carrier_ref, fate(each), each.decided_by) for each in found] == [
        ("b", "OUTRANKED", ""),
        ("a", "EXCLUDED", "no a"),
        ("c", "EXCLUDED", "quick"),
    ]
    assert [each.explanation for each in found] == [
        "It is the only one that fits.",
        'Rule "no a" puts it out.',
        'It is not what rule "quick" requires.',
    ]


def test_rules_that_order_decide_in_their_order() -> None:
    offers = [offer("a", 1250, 30), offer("b", 1200, 90), offer("c", 900, 40), offer("d", 1700, 20)]

    found = ranked(
        offers, ["PREFER ours: carrier.ref in ['a', 'b']", "SORT rough: price / 500", "SORT time: dropoff_minutes"]
    )

    assert order(found) == ["a", "b", "c", "d"]
    assert [each.decided_by for each in found] == ["", "time", "ours", "rough"]
    assert [each.explanation for each in found] == [
        'It comes first, by rule "time".',
        'Rule "time" puts A before it: 30 against 90.',
        'Rule "ours" prefers B.',
        'Rule "rough" puts C before it: 1 against 3.',
    ]


def test_every_rule_tells_what_it_made_of_everybody() -> None:
    given = [
        "EXCLUDE dear: price > 900",
        "PREFER a: carrier.ref == 'a'",
        "SORT km: distance_km",
        "SORT bad: 1 / (price % 2)",
    ]

    [found] = ranked([offer("a", 1000)], given)

    told = [(each.rule, each.value, each.error) for each in found.verdicts]
    assert told == [
        ("dear", "true", ""),
        ("a", "true", ""),
        ("km", "5.0", ""),
        ("bad", "", "it divides by zero"),
    ]


def test_a_rule_that_fails_puts_nobody_out_and_says_so() -> None:
    [found] = ranked([offer("a")], ["EXCLUDE vip: shipment.order_attributes.vip == true"])

    assert found.rank == 1
    assert found.explanation.startswith('It is the only one that fits. Rule "vip" decided nothing: ')


def test_a_rule_that_fails_with_one_decides_nothing_among_those_with_whom_it_would() -> None:
    offers = [offer("a", 1001, 30), offer("b", 2000, 20), offer("c", 1500, 10)]

    found = ranked(offers, ["SORT odd: 10000 / (price % 2)", "SORT time: dropoff_minutes"])

    assert order(found) == ["c", "b", "a"]
    assert {each.decided_by for each in found} == {"", "time"}


def test_disabled_rules_and_those_whose_condition_does_not_hold_are_not_applied() -> None:
    everybody = "EXCLUDE {}: true"
    given = [
        rule(everybody.format("off"), disabled=True),
        rule(everybody.format("for others"), condition="shipment.brand_external_id == 'x'"),
        rule(everybody.format("broken"), condition="shipment.order_attributes.vip == true"),
    ]

    [found] = ranked([offer("a")], given)

    assert found.rank == 1
    assert [each.rule for each in found.verdicts] == ["broken"]
    assert "its condition failed" in found.verdicts[0].error
    assert fate(ranked([offer("a")], given, Shipment(brand_external_id="x"))[0]) == "EXCLUDED"


def test_a_carriers_record_can_decide() -> None:
    late, punctual = CarrierRecord(on_time_share=0.5), CarrierRecord(on_time_share=0.99)

    found = ranked([offer("a", 500), offer("b", 900)], [RULES[9]], records={"a": late, "b": punctual})

    assert order(found) == ["b", "a"]


def test_who_made_no_offer_stays_as_it_is_and_stands_last() -> None:
    declined = Candidate(carrier_ref="x", fate=CandidateFate.CANDIDATE_FATE_QUOTE_DECLINED, explanation="too far")

    found = ranked([declined, offer("a"), offer("b")], ["EXCLUDE b: carrier.ref == 'b'"])

    assert [(each.carrier_ref, fate(each)) for each in found] == [
        ("a", "OUTRANKED"),
        ("b", "EXCLUDED"),
        ("x", "QUOTE_DECLINED"),
    ]
    assert found[2] == declined


def test_what_is_not_told_is_the_largest_number() -> None:
    found = ranked(
        [offer("a", 0, 0)], ["SORT price: price", "SORT time: dropoff_minutes", "SORT pickup: pickup_minutes"]
    )

    assert {each.value for each in found[0].verdicts} == {str(2**63 - 1)}


offers = st.lists(
    st.builds(
        offer,
        st.sampled_from("abcde"),
        st.sampled_from([0, 899, 1000, 1001, 1600]),
        st.sampled_from([0, 30, 45, 100]),
        st.sampled_from(["standard", "express"]),
        st.sampled_from([1000, 5000]),
    ),
    max_size=8,
    unique_by=lambda each: (each.carrier_ref, each.quote.service_level.id),
)
given_rules = st.lists(st.sampled_from(RULES), unique=True, max_size=6)
shares = st.dictionaries(
    st.sampled_from("abcde"), st.sampled_from([0.5, 0.9]).map(lambda share: CarrierRecord(on_time_share=share))
)


@given(offers, given_rules, shares, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_in_which_offers_come(
    offered: list[Candidate], told: list[str], records: dict[str, CarrierRecord], chance: Random
) -> None:
    shuffled = list(offered)
    chance.shuffle(shuffled)

    first, second = ranked(offered, told, records=records), ranked(shuffled, told, records=records)

    fitting = [each for each in first if each.rank]
    assert fitting == [each for each in second if each.rank]
    assert [each.rank for each in fitting] == list(range(1, len(fitting) + 1))
    assert sorted(map(str, first)) == sorted(map(str, second))


@given(offers, given_rules, shares)
def test_who_is_put_out_is_in_again_without_the_rules_that_did_it(
    offered: list[Candidate], told: list[str], records: dict[str, CarrierRecord]
) -> None:
    for candidate in ranked(offered, told, records=records):
        if candidate.rank:
            continue
        alone = [each for each in offered if same(each, candidate)]
        names = [each.rule for each in candidate.verdicts if puts_out(each.rule, each.value, told)]

        assert candidate.decided_by == names[0]
        without_one = ranked(alone, [each for each in told if name_of(each) != names[0]], records=records)
        assert without_one[0].decided_by == (names[1] if len(names) > 1 else "")


@given(offers, given_rules, shares)
def test_the_rule_that_is_named_truly_decided(
    offered: list[Candidate], told: list[str], records: dict[str, CarrierRecord]
) -> None:
    """Those before it leave the two equal; and with its opposite in its place they change theirs."""
    fitting = [each for each in ranked(offered, told, records=records) if each.rank]
    for better, worse in pairwise(fitting):
        if not worse.decided_by:
            continue
        position = [name_of(each) for each in told].index(worse.decided_by)
        pair = [each for each in offered if same(each, better) or same(each, worse)]
        before = [each for each in told[:position] if fails_for_nobody(each, fitting)]

        undecided = ranked(pair, before, records=records)
        assert undecided[1].decided_by == ""
        head, _, expression = told[position].partition(": ")
        opposite = f"{head}: {'!' if head.startswith('PREFER') else '-'}({expression})"
        turned = ranked(pair, [*before, opposite], records=records)
        assert same(turned[0], worse)


def same(one: Candidate, other: Candidate) -> bool:
    return one.quote.id == other.quote.id


def name_of(told: str) -> str:
    return told.partition(": ")[0].partition(" ")[2]


def puts_out(name: str, value: str, told: Sequence[str]) -> bool:
    kind = next(each.partition(" ")[0] for each in told if name_of(each) == name)
    return (kind, value) in (("EXCLUDE", "true"), ("REQUIRE", "false"))


def fails_for_nobody(told: str, fitting: Sequence[Candidate]) -> bool:
    return not any(each.error for candidate in fitting for each in candidate.verdicts if each.rule == name_of(told))
