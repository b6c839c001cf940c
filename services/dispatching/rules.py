"""The rules of a tenant, checked when they are written and compiled when they are used; pure, ranks nobody."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from crossdock.v1.shipment_pb2 import DispatchRule, DispatchRuleKind, DispatchRules
from crossdock.v1.warning_pb2 import Warning as Notice

from services.dispatching import expressions
from services.dispatching.expressions import Expression, Failed, Invalid
from services.errors import Problem, Violation
from services.shipments import rule_checks

EXCLUDE, REQUIRE, PREFER, SORT = (
    DispatchRuleKind.DISPATCH_RULE_KIND_EXCLUDE,
    DispatchRuleKind.DISPATCH_RULE_KIND_REQUIRE,
    DispatchRuleKind.DISPATCH_RULE_KIND_PREFER,
    DispatchRuleKind.DISPATCH_RULE_KIND_SORT,
)
COMPILERS: dict["DispatchRuleKind.ValueType", Callable[[str], Expression]] = {
    EXCLUDE: expressions.compile_bool,
    REQUIRE: expressions.compile_bool,
    PREFER: expressions.compile_bool,
    SORT: expressions.compile_number,
}
MAX_COST = 1_000_000
"""For all rules together, with one offer: some tens of milliseconds."""
REMEMBERED = 256


def check(rules: DispatchRules) -> Sequence[Notice]:
    """Holds rules against what rules must be. Raises DUPLICATE_NAME, and INVALID_REQUEST with every violation."""
    notices = rule_checks.check(rules)
    if violations := tuple(violations_of(rules)):
        told = "; ".join(f"{each.field}: {each.description}" for each in violations)
        raise Problem("INVALID_REQUEST", told, violations=violations)
    return notices


def violations_of(rules: DispatchRules) -> Iterator[Violation]:
    """Every expression that is none, gives the wrong type, or is too costly; disabled ones too."""
    total = 0
    for number, rule in enumerate(rules.rules):
        for member, compile_it in (("expression", COMPILERS[rule.kind]), ("condition", expressions.compile_condition)):
            text = getattr(rule, member)
            if not text:
                continue
            try:
                total += compile_it(text).cost
            except Invalid as reason:
                yield Violation(f"rules.rules[{number}].{member}", str(reason), "cel.valid")
    if total > MAX_COST:
        yield Violation("rules.rules", f"may cost {total} steps together, and {MAX_COST} are allowed", "cel.cost")


@dataclass(frozen=True)
class CompiledRule:
    """A rule that is not disabled. ``broken`` tells why it has no expression: it was stored by another release."""

    rule: DispatchRule
    expression: Expression | None
    condition: Expression | None = None
    broken: str = ""

    def evaluate(self, sight: object) -> expressions.Value:
        """What the rule's expression gives. Raises Failed."""
        if self.expression is None:
            raise Failed(self.broken)
        return expressions.evaluate(self.expression, sight)


@dataclass(frozen=True)
class CompiledRules:
    """Rules that can be applied, in their order. ``cost`` is the most steps that they take with one offer."""

    rules: tuple[CompiledRule, ...]
    cost: int = 0


def compile_rules(rules: DispatchRules) -> CompiledRules:
    """The rules, compiled; those of a text that was compiled lately are the same again."""
    return _compiled(DispatchRules(rules=rules.rules).SerializeToString(deterministic=True))


@lru_cache(maxsize=REMEMBERED)
def _compiled(serialized: bytes) -> CompiledRules:
    told = DispatchRules.FromString(serialized).rules
    compiled = tuple(_compile(rule) for rule in told if not rule.disabled)
    parts = [part for each in compiled for part in (each.expression, each.condition) if part is not None]
    return CompiledRules(compiled, sum(each.cost for each in parts))


def _compile(rule: DispatchRule) -> CompiledRule:
    try:
        expression = COMPILERS[rule.kind](rule.expression)
        condition = expressions.compile_condition(rule.condition) if rule.condition else None
    except Invalid as reason:
        return CompiledRule(rule, None, None, str(reason))
    return CompiledRule(rule, expression, condition)
