"""Broken unique keys, told as problems; knows no table."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from services.errors import Problem


@contextmanager
def unique(constraint: str, resource: str, field: str, value: str) -> Iterator[None]:
    """Raises DUPLICATE_ID when a statement inside breaks this constraint; other errors pass.

    The transaction is lost by then, as it should be: the key itself is the check, nothing is looked up first.
    """
    try:
        yield
    except IntegrityError as error:
        if constraint_of(error) != constraint:
            raise
        raise Problem(
            "DUPLICATE_ID",
            f"another {resource} has the {field} {value!r}",
            {"resource": resource, "field": field, "value": value},
        ) from None


def constraint_of(error: IntegrityError) -> str | None:
    """The name of the constraint that a statement broke."""
    # SQLAlchemy puts an error of its own around the driver's; `statements` does not.
    causes = (error.orig, error.orig.__cause__ if error.orig is not None else None)
    return next(filter(None, (getattr(each, "constraint_name", None) for each in causes)), None)
