"""Owns how settings that are refused are told: a line each, with what to do and without their values; knows none."""

from collections.abc import Iterator

from pydantic import BaseModel, ValidationError


def lines(settings: type[BaseModel], error: ValidationError, prefix: str = "CROSSDOCK_") -> Iterator[str]:
    """`CROSSDOCK_GRPC: is required`, by the name of the environment variable; what concerns several has no name."""
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in each["loc"])
        told = f"{prefix}{name.upper()}: " if name else ""
        field = settings.model_fields.get(name)
        if each["type"] == "missing":
            yield f"{told}is required"
        elif each["type"] == "string_pattern_mismatch" and field is not None and field.description:
            yield f"{told}has not the form that is asked for. {field.description}"
        else:
            yield told + each["msg"].removeprefix("Value error, ")
