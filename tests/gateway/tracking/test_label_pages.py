"""Labels as a thermal printer prints them and a scanner reads them."""

from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from gateway.tracking import label_pages
from gateway.tracking.labels import LONGEST_CODE, Label

DOTS_PER_INCH = 203
URL = "https://track.example/hub/t/" + "aB3-_" * 5 + "xy"


def label(**members: Any) -> Label:
    told: dict[str, Any] = {
        "carrier": "Roadrunner – Express",
        "sender": ("Acme", "1 Store Way", "Chicago, IL 60601", "US +13125550100"),
        "recipient": ("Ann Onymous", "725 Albany Street", "Boston, MA 02118", "US"),
        "instructions": "Ring twice",
        "parcels": ("Parcel 1 of 1: Box, 10 × 20 × 5 in, 2.5 lb",),
        "code": "TRK-0123456789",
        "reference": "7709-001",
        "url": URL,
    }
    return Label(**{**told, **members})


def page_of(document: bytes) -> Any:
    opened = pypdfium2.PdfDocument(document)
    assert len(opened) == 1
    return opened[0]


def read_codes(document: bytes) -> dict[str, str]:
    """What a scanner finds on the printed label: text by kind of code."""
    printed = page_of(document).render(scale=DOTS_PER_INCH / 72, grayscale=True).to_pil()
    return {str(each.format): each.text for each in zxingcpp.read_barcodes(printed)}


def text_of(document: bytes) -> str:
    return str(page_of(document).get_textpage().get_text_range())


@pytest.mark.parametrize(
    "code", ["TRK-0123456789", "shp_01kdf0g5aqe4rt0kw1yr2d6m8x", "1", "9" * LONGEST_CODE, ("Ab-9" * 9)[:LONGEST_CODE]]
)
def test_a_scanner_reads_both_codes_off_the_printed_label(code: str) -> None:
    read = read_codes(label_pages.draw(label(code=code)))

    assert sorted(read.values()) == sorted([code, URL])
    assert any("128" in kind for kind in read)


def test_a_label_has_four_by_six_inches_and_says_where_it_comes_from_and_goes() -> None:
    document = label_pages.draw(label())

    assert page_of(document).get_size() == (4 * 72, 6 * 72)
    said = text_of(document)
    for part in ("Roadrunner", "1 Store Way", "Ann Onymous", "Boston, MA 02118", "Ring twice", "2.5 lb", "7709-001"):
        assert part in said


def test_without_page_there_is_no_qr_code() -> None:
    assert list(read_codes(label_pages.draw(label(url=""))).values()) == ["TRK-0123456789"]


def test_what_is_too_long_or_too_much_stays_on_the_label_and_off_the_codes() -> None:
    crowd = ("A very long line that goes on and on " * 4,) * 30
    document = label_pages.draw(
        label(sender=crowd, recipient=crowd, parcels=crowd, carrier=crowd[0], instructions=crowd[0], reference=crowd[0])
    )

    assert sorted(read_codes(document).values()) == sorted(["TRK-0123456789", URL])
    page = page_of(document).get_textpage()
    boxes = [page.get_charbox(number) for number in range(page.count_chars())]
    assert max(right for _, _, right, _ in boxes) <= label_pages.WIDTH
    assert min(left for left, _, _, _ in boxes) >= 0


def test_a_label_is_the_same_each_time() -> None:
    assert label_pages.draw(label()) == label_pages.draw(label())


@pytest.mark.parametrize(
    ("name", "printed"),
    [("José Ñandú", "José Ñandú"), ("Łukasz Dąbek", "Łukasz Dabek"), ("王伟", "??"), ("a\u202eb\x07c", "abc")],
)
def test_letters_that_the_font_lacks_lose_their_accents_first(name: str, printed: str) -> None:
    assert printed in text_of(label_pages.draw(label(recipient=(name,))))


def test_another_font_may_have_them(tmp_path: Path) -> None:
    import reportlab

    copied = tmp_path / "own.ttf"
    copied.write_bytes((Path(reportlab.__file__).parent / "fonts" / "VeraIt.ttf").read_bytes())

    document = label_pages.draw(label(), copied)

    assert "Ann Onymous" in text_of(document)
    assert document != label_pages.draw(label())
