import math
import string

from hypothesis import given
from hypothesis import strategies as st

from services import tokens

BASE_62 = string.ascii_letters + string.digits


def test_a_value_is_recognised_and_never_comes_twice() -> None:
    values = {tokens.new_value() for _ in range(1_000)}

    assert len(values) == 1_000
    assert all(tokens.is_well_formed(value) for value in values)
    assert {len(value) for value in values} == {52}


def test_a_value_has_room_for_256_random_bits() -> None:
    assert math.log2(62**43) > 256


@given(st.integers(3, 51), st.sampled_from(BASE_62))
def test_one_wrong_character_is_noticed(position: int, character: str) -> None:
    value = tokens.new_value()
    wrong = value[:position] + character + value[position + 1 :]

    assert tokens.is_well_formed(wrong) == (wrong == value)


@given(st.text())
def test_junk_is_refused(junk: str) -> None:
    assert not tokens.is_well_formed(junk)
    assert len(tokens.digest(junk)) == 32


def test_digests_differ_from_values() -> None:
    value = tokens.new_value()

    assert value.encode() not in tokens.digest(value)
    assert tokens.digest(value) != tokens.digest(tokens.new_value())
