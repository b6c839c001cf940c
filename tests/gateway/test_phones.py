import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.phones import Phone, read_phone


@pytest.mark.parametrize(
    ("value", "region", "e164"),
    [
        ("+1 210-555-0100", None, "+12105550100"),
        ("+33 6 12 34 56 78", "US", "+33612345678"),
        ("+44 (0)7883 196637", None, "+447883196637"),
        ("07883 196637", "GB", "+447883196637"),
        ("(210) 299-0100", "US", "+12102990100"),
        ("210.299.0100 x42", "US", "+12102990100"),
        ("0033 6 12 34 56 78", "GB", "+33612345678"),
        (447883196637, "GB", "+447883196637"),
        (447883196637, "US", "+447883196637"),
        (447883196637, None, "+447883196637"),
        ("447883196637", None, "+447883196637"),
        (2102990100, "US", "+12102990100"),
    ],
)
def test_a_number_that_means_one_thing_has_an_international_form(
    value: str | int, region: str | None, e164: str
) -> None:
    assert read_phone(value, region=region) == Phone(str(value), e164)


@pytest.mark.parametrize(
    "value",
    [
        "+1 ***-***-1234",
        "***1234",
        "+1 xxx-xxx-1234",
        "XXX-XXX-1234",
        "\u2022\u2022\u2022 1234",
        "+1 555",
        "112",
        "07883 196637",
        "1-800-FLOWERS",
        "call me",
        "+",
        "++447883196637",
        "+44788319663712345",
        "\u0660\u0667\u0668\u0668\u0663196637",
        "0",
        "+1 210 299 0100, +1 210 299 0101",
    ],
)
def test_a_masked_or_doubtful_number_stays_as_it_was_written(value: str) -> None:
    assert read_phone(value) == Phone(value, None)
    assert read_phone(value, region="US") == Phone(value, None)


def test_an_integer_that_could_be_two_numbers_gets_no_international_form() -> None:
    # Valid in California, and with a plus before it in Myanmar.
    assert read_phone(9513500049, region="US") == Phone("9513500049", None)
    assert read_phone("9513500049", region="US") == Phone("9513500049", "+19513500049")
    assert read_phone(9513500049) == Phone("9513500049", "+9513500049")


@pytest.mark.parametrize("value", [None, "", "  ", True])
def test_no_number_is_none(value: str | None) -> None:
    assert read_phone(value) is None


@given(
    st.text() | st.text("+0123456789 ()-.x*") | st.integers(),
    st.sampled_from([None, "US", "GB", "ZZ", "", "xx"]),
)
def test_nothing_raises_and_the_raw_text_is_kept(value: str | int, region: str | None) -> None:
    phone = read_phone(value, region=region)

    assert phone is None or phone.raw == str(value)
