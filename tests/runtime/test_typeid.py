import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.typeid import InvalidId, Uuid7Sequence, decode, encode, new_uuid7

UUIDS = st.integers(0, 2**128 - 1).map(lambda number: uuid.UUID(int=number))

# From the TypeID specification's valid.yml.
VECTORS = [
    ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
    ("00000000-0000-0000-0000-000000000001", "00000000000000000000000001"),
    ("00000000-0000-0000-0000-00000000000a", "0000000000000000000000000a"),
    ("00000000-0000-0000-0000-000000000010", "0000000000000000000000000g"),
    ("00000000-0000-0000-0000-000000000020", "00000000000000000000000010"),
    ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
    ("0110c853-1d09-52d8-d73e-1194e95b5f19", "0123456789abcdefghjkmnpqrs"),
    ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
    ("0188bac7-4afa-78aa-bc3b-bd1eef28d881", "01h2xcejqtf2nbrexx3vqjhp41"),
]


@pytest.mark.parametrize(("value", "suffix"), VECTORS)
def test_the_specifications_vectors_hold_both_ways(value: str, suffix: str) -> None:
    assert encode("prefix", uuid.UUID(value)) == f"prefix_{suffix}"
    assert decode("prefix", f"prefix_{suffix}") == uuid.UUID(value)


@given(UUIDS)
def test_every_uuid_comes_back_from_its_text(value: uuid.UUID) -> None:
    assert decode("dlv", encode("dlv", value)) == value


@given(UUIDS, UUIDS)
def test_texts_sort_as_their_uuids_do(one: uuid.UUID, other: uuid.UUID) -> None:
    assert (encode("dlv", one) < encode("dlv", other)) == (one < other)


@given(st.one_of(st.text(), st.text("0123456789abcdefghijklmnopqrstuvwxyzILOU_+- ", min_size=26, max_size=26)))
def test_whatever_decodes_is_what_encoding_gives_and_all_else_is_refused(suffix: str) -> None:
    try:
        value = decode("dlv", f"dlv_{suffix}")
    except InvalidId:
        return
    assert encode("dlv", value) == f"dlv_{suffix}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not an id of the form dlv_…"),
        ("dlv", "is not an id of the form dlv_…"),
        ("shp_01h2xcejqtf2nbrexx3vqjhp41", "is not an id of the form dlv_…"),
        ("DLV_01h2xcejqtf2nbrexx3vqjhp41", "is not an id of the form dlv_…"),
        ("dlv-01h2xcejqtf2nbrexx3vqjhp41", "is not an id of the form dlv_…"),
        ("dlv_", "has 0 characters after dlv_ instead of 26"),
        ("dlv_01h2xcejqtf2nbrexx3vqjhp4", "has 25 characters after dlv_ instead of 26"),
        ("dlv_01h2xcejqtf2nbrexx3vqjhp411", "has 27 characters after dlv_ instead of 26"),
        ("dlv_01H2xcejqtf2nbrexx3vqjhp41", "contains 'H'"),
        ("dlv_01h2xcejqtf2nbrexx3vqjhpo1", "contains 'o'"),
        ("dlv_01h2xcejqtf2nbrexx3vqjhp4 ", "contains ' '"),
        ("dlv_+1h2xcejqtf2nbrexx3vqjhp41", "contains '+'"),
        ("dlv_01h2xcejqtf2nbrexx3vqjhp4é", "contains 'é'"),
        ("dlv_\u06601h2xcejqtf2nbrexx3vqjhp41", "contains '\u0660'"),
        ("dlv_80000000000000000000000000", "is greater than the greatest id, dlv_7zzz"),
        ("dlv_zzzzzzzzzzzzzzzzzzzzzzzzzz", "is greater than the greatest id, dlv_7zzz"),
    ],
)
def test_a_wrong_id_is_told_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(InvalidId) as refusal:
        decode("dlv", text)

    assert complaint in str(refusal.value)


def test_a_huge_text_is_not_repeated_in_the_complaint() -> None:
    with pytest.raises(InvalidId) as refusal:
        decode("dlv", "dlv_" + "0" * 1_000_000)

    assert len(str(refusal.value)) < 300


def test_a_new_uuid_is_of_version_7_and_carries_its_time() -> None:
    value = new_uuid7(now_ms=1_700_000_000_123)

    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == 1_700_000_000_123


def test_new_uuids_grow_within_a_millisecond() -> None:
    values = [new_uuid7() for _ in range(10_000)]

    assert values == sorted(set(values))


@given(st.lists(st.integers(0, 2**47), min_size=2))
def test_uuids_grow_whatever_the_clock_does(readings: list[int]) -> None:
    sequence = Uuid7Sequence()

    values = [sequence.next(reading) for reading in readings]

    assert values == sorted(set(values))
    assert all(value.version == 7 for value in values)


def test_a_process_that_was_forked_off_makes_other_ids() -> None:
    program = """
import os
from runtime.typeid import _sequence
_sequence.next(1)
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, str(_sequence.next(1)).encode())
    os._exit(0)
os.wait()
print(os.read(reading, 100).decode() != str(_sequence.next(1)))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert told.stdout == "True\n"
