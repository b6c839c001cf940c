import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from runtime.wrong_settings import lines


class Settings(BaseModel):
    """Some of each kind."""

    address: str = Field(pattern=r"^[^:]+:[0-9]+$", description="Where it is: `host:port`.")
    seconds: float = Field(default=1.0, gt=0)
    key: str = ""
    certificate: str = ""

    @model_validator(mode="after")
    def _go_together(self) -> "Settings":
        if bool(self.key) != bool(self.certificate):
            raise ValueError("key and certificate go together")
        return self


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, ["CROSSDOCK_ADDRESS: is required"]),
        ({"address": "hush"}, ["CROSSDOCK_ADDRESS: has not the form that is asked for. Where it is: `host:port`."]),
        ({"address": "a:1", "seconds": "0"}, ["CROSSDOCK_SECONDS: Input should be greater than 0"]),
        ({"address": "a:1", "key": "hush"}, ["key and certificate go together"]),
    ],
)
def test_what_is_wrong_is_named_with_what_is_asked_for_and_never_shown(given: dict[str, str], told: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given)

    assert list(lines(Settings, caught.value)) == told
