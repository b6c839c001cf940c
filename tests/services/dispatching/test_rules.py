"""What dispatch rules may say: types, costs, and how wrong ones are told."""

import os
import subprocess
import sys

import pytest
from crossdock.v1.carrier_pb2 import Carrier, Quote
from crossdock.v1.shipment_pb2 import DispatchRule, DispatchRuleKind, DispatchRules, Shipment

from services.dispatching import expressions, rules
from services.dispatching.ranking import rank
from services.errors import Problem
from tests.services.dispatching.offers import MOMENT, NOW, offer

LONG_LIST = f"[{','.join('1' * 100)}]"


def told(kind: str, expression: str, condition: str = "") -> list[str]:
    """What is wrong with a rule, each with its place."""
    rule = DispatchRule(name="r", kind=DispatchRuleKind.Value(f"DISPATCH_RULE_KIND_{kind}"), expression=expression)
    rule.condition = condition
    found = rules.violations_of(DispatchRules(rules=[rule]))
    return [f"{each.field}: {each.description}" for each in found]


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        ("EXCLUDE", "price > 2000"),
        ("EXCLUDE", 'quote.service_level.id == "express" && price > 2000'),
        ("EXCLUDE", "has(carrier.record.on_time_share) && carrier.record.on_time_share < 0.9"),
        ("EXCLUDE", "shipment.consignment.parcels.exists(p, p.items.exists(i, i.title.contains('wine')))"),
        ("EXCLUDE", "shipment.order_attributes.fragile == true"),
        ("EXCLUDE", "carrier.name.matches('^(Swift|Ever).*$')"),
        ("EXCLUDE", "shipment.consignment.parcels.filter(p, p.items.size() > 3).size() > 2"),
        ("EXCLUDE", "shipment.consignment.parcels.map(p, p.items.size()) == [1, 2]"),
        ("REQUIRE", "CarrierCapability.CARRIER_CAPABILITY_LABEL in carrier.capabilities"),
        ("REQUIRE", "dropoff_minutes <= 90"),
        ("PREFER", 'carrier.ref in ["sim-a", "sim-b"]'),
        ("PREFER", 'now.getHours("America/Chicago") >= 18'),
        ("SORT", "price"),
        ("SORT", "double(price) / distance_km"),
        ("SORT", "carrier.record.cost_per_kilometer.units"),
        ("SORT", "1.0 - carrier.record.on_time_share"),
    ],
)
def test_documented_variables_can_be_used(kind: str, expression: str) -> None:
    assert told(kind, expression) == []


@pytest.mark.parametrize(
    ("kind", "expression", "expected"),
    [
        ("EXCLUDE", "price", "gives int and must give a bool"),
        ("SORT", "price > 1", "gives bool and must give a number"),
        ("SORT", "carrier.ref", "gives string and must give a number"),
        ("SORT", "shipment.order_attributes.weight", "gives dyn and must give a number"),
        ("PREFER", "shipment.colour == 1", "undefined field 'colour'"),
        ("PREFER", "price > 2.5", "no matching overload"),
        ("PREFER", "price >", "Syntax error"),
        ("PREFER", "weather == 1", "undeclared reference to 'weather'"),
        ("PREFER", "(" * 1000 + "true" + ")" * 1000, "recursion limit"),
        ("PREFER", 'carrier.ref + "x" == "y"', "may not join texts or lists"),
        ("PREFER", "([1] + [2]).size() > 1", "may not join texts or lists"),
        ("PREFER", "[1].map(a, a).map(a, a).size() > 1", "may not loop over what another loop made"),
        ("PREFER", "[1].exists(a, [1].exists(b, [1].exists(c, true)))", "more than 2 loops"),
        ("PREFER", "carrier.ref.matches(carrier.name)", "patterns that are written out"),
        ("PREFER", 'carrier.ref.matches("(a{0,30}){0,30}b")', "without {counts}"),
        ("PREFER", f'[1].all(a, carrier.ref.matches("{"a" * 201}"))', "200 characters"),
        ("PREFER", "[1].all(a, [1].all(b, carrier.ref.matches('a')))", "may cost"),
    ],
)
def test_a_wrong_expression_is_told_at_its_place(kind: str, expression: str, expected: str) -> None:
    [problem] = told(kind, expression)

    assert problem.startswith("rules.rules[0].expression: ")
    assert expected in problem


def test_conditions_see_shipment_and_time_alone() -> None:
    assert told("SORT", "price", 'shipment.brand_external_id == "b" && now > timestamp("2020-01-01T00:00:00Z")') == []
    [problem] = told("SORT", "price", "price > 1")
    assert problem.startswith("rules.rules[0].condition: ")


def test_rules_are_bounded_together_too() -> None:
    loops = "shipment.consignment.parcels.all(p, p.items.all(i, i.title.contains('a')))"
    many = [DispatchRule(name=f"r{n}", kind=rules.EXCLUDE, expression=loops) for n in range(10)]

    assert list(rules.violations_of(DispatchRules(rules=many[:3]))) == []
    assert [each.rule for each in rules.violations_of(DispatchRules(rules=many))] == ["cel.cost"]


def test_every_wrong_rule_is_told_and_a_name_stands_once() -> None:
    wrong = [DispatchRule(name=name, kind=rules.SORT, expression="'x'") for name in "ab"]

    with pytest.raises(Problem) as refused:
        rules.check(DispatchRules(rules=wrong))
    assert [each.field for each in refused.value.violations] == [
        "rules.rules[0].expression",
        "rules.rules[1].expression",
    ]

    with pytest.raises(Problem) as twice:
        rules.check(DispatchRules(rules=[wrong[0], wrong[0]]))
    assert twice.value.reason == "DUPLICATE_NAME"


@pytest.mark.parametrize(
    "bomb",
    [
        f"{LONG_LIST}.all(a, {LONG_LIST}.all(b, {LONG_LIST}.all(c, {LONG_LIST}.all(d, true))))",
        f"{LONG_LIST}.all(a, {LONG_LIST}.all(b, {LONG_LIST}.all(c, true)))",
        "[carrier.ref]" + ".map(a, a + a)" * 25 + "[0].size() > 0",
        "[[1]]" + ".map(a, a + a)" * 25 + "[0].size() > 0",
    ],
)
def test_bombs_are_refused_when_they_are_written(bomb: str) -> None:
    assert told("EXCLUDE", bomb)


def test_what_is_cheap_by_its_text_is_stopped_when_it_goes_round_too_often() -> None:
    bomb = expressions.compile_bool(f"{LONG_LIST}.all(a, {LONG_LIST}.all(b, true))")
    sight = expressions.sight_of_offer(Shipment(), Quote(), Carrier(), NOW, dict.fromkeys(expressions.NUMBERS, 1))

    with pytest.raises(expressions.Failed, match=r"^it takes more steps than a rule may$"):
        expressions.evaluate(bomb, sight)


def test_a_shipment_that_is_too_large_is_not_shown_to_rules() -> None:
    shipment = Shipment()
    shipment.order_attributes["note"] = "x" * expressions.MAX_SHIPMENT_BYTES
    rule = DispatchRule(name="all", kind=rules.EXCLUDE, expression="true", condition="true")

    [only] = rank(rules.compile_rules(DispatchRules(rules=[rule])), shipment, [offer("a")], {}, MOMENT)

    assert (only.rank, only.decided_by) == (1, "")
    assert "KiB" in only.verdicts[0].error


def test_rules_see_no_authorization() -> None:
    rule = DispatchRule(name="guess", kind=rules.EXCLUDE, expression='carrier.authorization != ""')
    carriers = {"a": Carrier(ref="a", authorization="Bearer x")}

    [only] = rank(rules.compile_rules(DispatchRules(rules=[rule])), Shipment(), [offer("a")], carriers, MOMENT)

    assert only.verdicts[0].value == "false"
    assert carriers["a"].authorization == "Bearer x"


def test_rules_that_no_longer_compile_decide_nothing_and_say_so() -> None:
    rule = DispatchRule(name="old", kind=rules.EXCLUDE, expression="shipment.of_another_release")

    [only] = rank(rules.compile_rules(DispatchRules(rules=[rule])), Shipment(), [offer("a")], {}, MOMENT)

    assert only.rank == 1
    assert "undefined field" in only.verdicts[0].error
    assert 'Rule "old" decided nothing' in only.explanation


def test_the_language_is_loaded_with_the_first_rule_and_not_before() -> None:
    program = """
import sys
import services.main
from services.dispatching import expressions
print("cel_expr_python" in sys.modules)
expressions.compile_condition("true")
print("cel_expr_python" in sys.modules)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True)
    assert ran.stdout.split() == ["False", "True"]
