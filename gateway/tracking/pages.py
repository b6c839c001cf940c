"""Writes the tracking page as HTML, and says what browsers may do with it; knows no shipment and no request."""

import base64
import hashlib
import importlib.resources
from collections.abc import Mapping
from functools import lru_cache

import jinja2
from markupsafe import Markup

from gateway.tracking.views import Page

NOWHERE = ("This link leads nowhere", "It is not complete, or the delivery ended more than a day ago.")
NOT_NOW = ("One moment, please", "We cannot tell just now. Please try again in a minute.")

_FILES = importlib.resources.files("gateway.tracking")
_STYLE = (_FILES / "page.css").read_text()
_SCRIPT = (_FILES / "page.js").read_text()


def _hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


PRIVATE: Mapping[str, str] = {
    # The address is the secret: nobody may keep it, find it, or tell it to the next site.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {_hash_of(_STYLE)}; script-src {_hash_of(_SCRIPT)}; connect-src 'self'; "
        "img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
"""The headers of everything that a link leads to."""


def page(shown: Page) -> str:
    """The page of a shipment."""
    return _template().render(page=shown, style=Markup(_STYLE), script=Markup(_SCRIPT))  # noqa: S704  our own files


def notice(headline: str, sentence: str) -> str:
    """A page that shows no shipment, in the same clothes."""
    return _template().render(headline=headline, sentence=sentence, style=Markup(_STYLE))  # noqa: S704  our own file


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.ChainableUndefined)
    return environment.from_string((_FILES / "page.html").read_text())
