import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.strict_json import MAX_BYTES, MalformedJson, loads


def hostile() -> Iterator[tuple[str, bytes]]:
    places = {"bare": "%s", "value": '{"a": %s}', "item": "[1, %s]", "deep": '{"a": [{"b": %s}]}'}
    for word in (
        "NaN",
        "Infinity",
        "-Infinity",
        "+1",
        "01",
        "-",
        ".5",
        "5.",
        "1e",
        "0x10",
        "1_000",
        "\u0661",
        "nul",
    ):
        for place, form in places.items():
            yield f"{word} as {place}", (form % word).encode()
    for name, number in {
        "41 digits": "1" * 41,
        "4301 digits": "1" * 4301,
        "minus 41 digits": "-" + "1" * 41,
        "41 digits around the point": "1" * 20 + "." + "1" * 21,
        "a large exponent": "1e101",
        "a small exponent": "1e-101",
        "an absurd exponent": "1e999999999999",
        "an exponent of zeros": "1e" + "0" * 9,
    }.items():
        for place, form in places.items():
            yield f"{name} as {place}", (form % number).encode()
    for name, text in {
        "high surrogate": r"\ud800",
        "low surrogate": r"\udc00",
        "upper-case surrogate": r"\uD83D",
        "surrogates swapped": r"\ude00\ud83d",
        "high surrogate before text": r"\ud83dx",
        "U+0000": r"\u0000",
        "U+0000 within": r"a\u0000b",
        "raw nul": "\0",
        "raw newline": "\n",
        "raw tab": "\t",
        "bad escape": r"\x41",
        "short escape": r"\u12",
        "escape out of hex": r"\u12g4",
        "unclosed": "\\",
    }.items():
        yield f"{name} as value", f'{{"a": "{text}"}}'.encode()
        yield f"{name} as key", f'{{"{text}": 1}}'.encode()
        yield f"{name} as item", f'["{text}"]'.encode()
        yield f"{name} alone", f'"{text}"'.encode()
    for depth in (65, 100, 1_000, 100_000):
        yield f"{depth} arrays", b"[" * depth + b"]" * depth
        yield f"{depth} objects", b'{"a":' * depth + b"1" + b"}" * depth
        yield f"{depth} unclosed arrays", b"[" * depth
        yield f"{depth} unclosed objects", b'{"a":' * depth
        yield f"{depth} arrays after a string of brackets", b'["]]]]\\"]]]]",' + b"[" * depth
    for keys in (
        '"a":1,"a":1',
        '"a":1,"\\u0061":2',
        '"":1,"":2',
        '"a":{"b":1,"b":2}',
        '"a":[{"b":1,"c":2,"b":3}]',
    ):
        yield f"duplicate keys {keys}", f"{{{keys}}}".encode()
    for encoding in (
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "utf-32-be",
        "utf-8-sig",
        "utf-7",
    ):
        yield f"{encoding} object", '{"a": "ü"}'.encode(encoding) + (b"\xff" if encoding == "utf-7" else b"")
        yield f"{encoding} number", "1".encode(encoding) + (b"\xff" if encoding == "utf-7" else b"")
    for name, raw in {
        "latin-1": "ü".encode("latin-1"),
        "overlong": b"\xc0\x80",
        "encoded surrogate": b"\xed\xa0\x80",
        "beyond unicode": b"\xf4\x90\x80\x80",
        "cut sequence": b"\xe2\x82",
        "stray continuation": b"\x80",
    }.items():
        yield name, b'{"a": "' + raw + b'"}'
        yield f"{name} outside", raw + b"{}"
    for raw in (
        b"",
        b" ",
        b"\n",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"{]",
        b"[}",
        b"[1,]",
        b'{"a":1,}',
        b"{a:1}",
        b"{'a':1}",
        b"{1:1}",
        b'{"a" 1}',
        b'{"a"}',
        b"[1 2]",
        b"{} {}",
        b"{}x",
        b"// c\n{}",
        b"/* c */{}",
        b"True",
        b"None",
        b"undefined",
        b"\x0b{}",
        b"\xc2\xa0{}",
        b"{}\0",
        b"\0{}",
        b"a=1&b=2",
        b"<xml/>",
        b"\x1f\x8b\x08\x00",
        b"\xff\xfe",
        b"\\u007b}",
    ):
        yield f"{raw!r}", raw
    yield "too long", b'"' + b"x" * MAX_BYTES + b'"'


CORPUS = list(hostile())


def test_the_corpus_has_two_hundred_cases() -> None:
    assert len(CORPUS) >= 200
    assert len({name for name, _ in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("raw", [raw for _, raw in CORPUS], ids=[name for name, _ in CORPUS])
def test_what_is_hostile_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedJson):
        loads(raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b' {"a": [1, -2, true, false, null, ""]}\n', {"a": [1, -2, True, False, None, ""]}),
        (b'{"lat": 51.529483875563876}', {"lat": Decimal("51.529483875563876")}),
        (b"1.10", Decimal("1.10")),
        (b"1E2", Decimal("1E+2")),
        (b"9" * 40, int("9" * 40)),
        (rb'"\ud83d\ude00 \u00fc"', "😀 ü"),
        ('"😀 ü \u2028"'.encode(), "😀 ü \u2028"),
        (rb'"\\u0000 \\ud800"', r"\u0000 \ud800"),
        (rb'{"\\ud800": 1}', {r"\ud800": 1}),
        (b"[" * 64 + b"]" * 64, None),
        (b'["' + b"[" * 100 + b'"]', ["[" * 100]),
        (b"[" + b"{}," * 99 + b"{}]", [{}] * 100),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', {"a": {"x": 1}, "b": {"x": 1}}),
    ],
)
def test_what_is_odd_but_sound_is_read(raw: bytes, value: Any) -> None:
    read = loads(raw)

    if value is not None:
        assert read == value
        assert str(read) == str(value)


def test_the_refusal_has_a_place_and_never_quotes_what_was_sent() -> None:
    with pytest.raises(MalformedJson) as refusal:
        loads(b'{"secret": canary}')

    assert refusal.value.position == 11
    assert "canary" not in str(refusal.value)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**39), 10**39)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner)
    ),
    max_leaves=20,
)


@given(plain, st.booleans())
def test_everything_the_standard_library_writes_is_read_back(value: Any, ascii_only: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary() | st.text().map(lambda text: f'{{"a": "{text}"}}'.encode("utf-8", "surrogatepass")))
def test_no_bytes_do_worse_than_malformed_and_what_is_read_can_be_stored(raw: bytes) -> None:
    try:
        value = loads(raw)
    except MalformedJson:
        return

    assert "\0" not in json.dumps(value, ensure_ascii=False, default=str).encode("utf-8").decode()


@given(
    st.lists(
        st.sampled_from([b'"', b"\\", b"[", b"]", b"{", b"}", b",", b":", b"u", b"d800", b"0", b"x"]),
        max_size=300,
    )
)
def test_no_soup_of_marks_does_worse_than_malformed(marks: list[bytes]) -> None:
    try:
        loads(b"[" * 65 + b"".join(marks))
    except MalformedJson:
        return
    pytest.fail("65 arrays were opened")


def test_unclosed_strings_full_of_quotes_are_refused_in_linear_time() -> None:
    began = time.monotonic()

    with pytest.raises(MalformedJson):
        loads(b'\\"' * 30_000 + b"[" * 65)

    assert time.monotonic() - began < 20
