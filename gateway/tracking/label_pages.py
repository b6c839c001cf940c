"""Draws a label as a PDF of 4 by 6 inches; knows what stands where on it and nothing of shipments.

reportlab is imported at the first label: it costs memory that a gateway without labels need not have.
"""

import io
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import segno

from gateway.tracking.labels import Label

INCH = 72.0
WIDTH, HEIGHT = 4 * INCH, 6 * INCH
DOT = INCH / 203
"""What the usual printer of labels can print: bars of whole dots stay sharp."""

_MARGIN, _SMALLEST = 12.0, 6.0
_QUIET_BARS, _QUIET_SQUARES = 10, 4
_LINE = 1.2
_HAIR = 0.05 * DOT


class Fonts(NamedTuple):
    """Registered fonts, and the characters that both have."""

    plain: str
    bold: str
    characters: frozenset[int]


def draw(label: Label, font: Path | None = None) -> bytes:
    """The PDF. ``font`` is a TrueType file for scripts that the built-in font (Latin) does not have."""
    from reportlab.pdfgen.canvas import Canvas

    fonts, written = _fonts(font), io.BytesIO()
    canvas = Canvas(written, pagesize=(WIDTH, HEIGHT), invariant=1)
    canvas.setTitle("Label")
    width = WIDTH - 2 * _MARGIN
    _lines(canvas, fonts, [label.carrier], fonts.bold, 16, (_MARGIN, 408), (width, 20))
    _rule(canvas, 402)
    _lines(canvas, fonts, ["FROM", *label.sender], fonts.plain, 8, (_MARGIN, 392), (width, 68))
    _rule(canvas, 326)
    _lines(canvas, fonts, ["TO"], fonts.plain, 8, (_MARGIN, 315), (width, 10))
    _lines(canvas, fonts, label.recipient, fonts.bold, 13, (_MARGIN, 301), (width, 92))
    _lines(canvas, fonts, label.instructions.split("\n")[:1], fonts.plain, 8, (_MARGIN, 206), (width, 10))
    _rule(canvas, 200)
    beside = (WIDTH - _MARGIN - 116, 80)
    reference = [f"Reference: {label.reference}"] if label.reference else []
    _lines(canvas, fonts, [*label.parcels, *reference], fonts.plain, 9, (116, 180), beside)
    if label.url:
        _qr(canvas, label.url, (_MARGIN, 96), 100)
    _bars(canvas, label.code, 30, 58)
    canvas.setFont(fonts.plain, 10)
    canvas.drawCentredString(WIDTH / 2, 16, label.code)
    canvas.save()
    return written.getvalue()


@lru_cache(maxsize=4)
def _fonts(own: Path | None) -> Fonts:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    name = f"Label {own}"
    fonts = [TTFont(f"{name} {weight}", str(own or file)) for weight, file in (("", "Vera.ttf"), ("b", "VeraBd.ttf"))]
    for each in fonts:
        pdfmetrics.registerFont(each)
    characters = frozenset.intersection(*(frozenset(each.face.charToGlyph) for each in fonts))
    return Fonts(fonts[0].fontName, fonts[1].fontName, characters)


def printable(text: str, characters: frozenset[int]) -> str:
    """The text in the characters that there are: letters lose their accents before they become question marks."""
    written = []
    for character in unicodedata.normalize("NFC", text):
        if ord(character) in characters:
            written.append(character)
        elif not unicodedata.category(character).startswith("C"):
            plain = unicodedata.normalize("NFKD", character)
            kept = "".join(each for each in plain if ord(each) in characters and not unicodedata.combining(each))
            written.append(kept or "?")
    return "".join(written)


def _lines(
    canvas: Any,
    fonts: Fonts,
    lines: Sequence[str],
    font: str,
    size: float,
    at: tuple[float, float],
    room: tuple[float, float],
) -> None:
    """Lines downwards from a first base line: smaller where they are many or long, cut where that is not enough."""
    left, base = at
    width, height = room
    size = max(_SMALLEST, min(size, height / _LINE / max(1, len(lines))))
    for line in lines[: int(height / _LINE / size + 0.01)]:
        text, fitting = printable(line, fonts.characters), size
        while fitting > _SMALLEST and canvas.stringWidth(text, font, fitting) > width:
            fitting -= 0.5
        while text and canvas.stringWidth(text, font, fitting) > width:
            text = text[:-1]
        canvas.setFont(font, fitting)
        canvas.drawString(left, base, text)
        base -= size * _LINE


def _rule(canvas: Any, height: float) -> None:
    canvas.setLineWidth(2 * DOT)
    canvas.line(_MARGIN, height, WIDTH - _MARGIN, height)


def _bars(canvas: Any, code: str, bottom: float, height: float) -> None:
    """Code 128, as wide as the label allows, with the silence at its ends that scanners need."""
    from reportlab.graphics.barcode.code128 import Code128

    class Bars(Code128):
        def rect(self, x: float, y: float, w: float, h: float) -> None:
            # A printer blackens each dot that is touched: bars that end where dots end must not touch the next.
            self.canv.rect(x + _HAIR, y, w - 2 * _HAIR, h, stroke=0, fill=1)

    modules = Code128(code, barWidth=1, quiet=False).width
    bar = WIDTH / (modules + 2 * _QUIET_BARS)
    bar -= bar % DOT
    bars = Bars(code, barWidth=bar, barHeight=height, quiet=False)
    left = (WIDTH - bars.width) / 2
    bars.drawOn(canvas, left - left % DOT, bottom)


def _qr(canvas: Any, text: str, at: tuple[float, float], side: float) -> None:
    """A QR code in a square with its silence."""
    matrix = segno.make(text, error="m", micro=False).matrix
    square = side / (len(matrix) + 2 * _QUIET_SQUARES)
    square -= square % DOT
    left, bottom = (edge + _QUIET_SQUARES * square for edge in at)
    top = bottom + len(matrix) * square
    for row, squares in enumerate(matrix):
        for column, dark in enumerate(squares):
            if dark:
                canvas.rect(left + column * square, top - (row + 1) * square, square, square, stroke=0, fill=1)
