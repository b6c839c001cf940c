"""Settings: where they come from, what is refused, what is never shown."""

import base64

import pytest
from pydantic import SecretStr, ValidationError

from services.config import Settings
from services.main import main

KEY = bytes(range(32))
NEEDED = {"database_url": "postgresql://u:hush@h:5/d", "encryption_key": KEY.hex()}


@pytest.fixture(autouse=True)
def _no_settings_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CROSSDOCK_{name.upper()}", raising=False)


def read(**given: str) -> Settings:
    """Settings from these values."""
    return Settings.model_validate({**NEEDED, **given})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg"])
def test_any_common_form_of_a_databases_address_is_understood(scheme: str) -> None:
    settings = read(database_url=f"{scheme}://u:p%40@h:5/d?sslmode=require&application_name=x")

    wanted = "postgresql+asyncpg://u:p%40@h:5/d?ssl=require&application_name=x"
    assert settings.database_url.get_secret_value() == wanted


@pytest.mark.parametrize(
    "text", [KEY.hex(), base64.b64encode(KEY).decode(), base64.urlsafe_b64encode(KEY).decode(), f" {KEY.hex()}\n"]
)
def test_a_key_is_32_bytes_in_hexadecimal_or_base64(text: str) -> None:
    assert read(encryption_key=text).sealing_key == KEY


def test_former_keys_are_separated_by_commas() -> None:
    other = bytes(32)

    assert read(former_encryption_keys=f"{KEY.hex()},{other.hex()}").former_sealing_keys == [KEY, other]


@pytest.mark.parametrize(
    "wrong",
    [
        {"encryption_key": ""},
        {"encryption_key": "hush" * 16},
        {"encryption_key": KEY.hex()[:-2]},
        {"former_encryption_keys": "hush"},
        {"database_url": "mysql://u:hush@h/d"},
        {"tls_key": "/hush"},
        {"tls_client_authority": "/hush"},
        {"pool_size": "hush"},
    ],
)
def test_what_is_wrong_is_refused_without_showing_it(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**wrong)

    assert "hush" not in str(caught.value)


def test_secrets_are_not_shown_by_printing_the_settings() -> None:
    shown = repr(read(system_token="hush"))

    assert "hush" not in shown
    assert KEY.hex() not in shown


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", "postgresql://u:hush@127.0.0.1:1/d")
    monkeypatch.setenv("CROSSDOCK_ENCRYPTION_KEY", "hush")

    assert main(["--pool-size", "0"]) == 2

    told = capsys.readouterr().err
    assert "CROSSDOCK_ENCRYPTION_KEY" in told
    assert "CROSSDOCK_POOL_SIZE" in told
    assert "hush" not in told


def test_a_setting_that_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2

    assert "CROSSDOCK_DATABASE_URL: is required\n" in capsys.readouterr().err


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_secret_is_a_secret() -> None:
    secret = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}

    assert secret == {"database_url", "encryption_key", "former_encryption_keys", "system_token"}
    assert isinstance(read().database_url, SecretStr)
