"""The settings of a simulator process, from the environment or from flags; knows nothing of what they switch.

Each field is the environment variable ``CROSSDOCK_SIMULATOR_`` + its name, and the flag ``--`` + its name with hyphens.
"""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, CliSuppress, SettingsConfigDict


class Settings(BaseSettings):
    """What a simulator process can be told. Told nothing it serves on this machine and forgets when it ends."""

    model_config = SettingsConfigDict(
        env_prefix="CROSSDOCK_SIMULATOR_",
        hide_input_in_errors=True,
        cli_kebab_case=True,
        cli_prog_name="crossdock simulator",
        cli_hide_none_type=True,
        cli_implicit_flags=True,
        extra="ignore",
    )

    grpc: str = Field(
        default="127.0.0.1:7410",
        pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+):[0-9]{1,5}$",
        description="Where `CarrierService` and `SimulatorService` are served: `host:port` (port 0: any free one).",
    )
    ready_file: Path | None = Field(
        default=None, description="Written once it is served: JSON with the address, `grpc`, and each carrier's name."
    )
    ledger: Path | None = Field(
        default=None, description="The file of its books, made if there is none. None: they end with the process."
    )
    hub: str = Field(
        default="",
        pattern=r"^(https?://[^\s]+)?$",
        description="The hub's public address, for bookings that name only the path to which webhooks are posted.",
    )
    key: CliSuppress[SecretStr] = Field(
        default=SecretStr(""),
        description="Callers bring it: `Bearer <key>` to drive, `Bearer <carrier>.<key>` to book. Empty: no key.",
    )
    seed: int = Field(default=1, description="The same seed and the same requests give the same prices and journeys.")
    pace: float = Field(
        default=0.0,
        ge=0,
        le=1_000_000,
        description="How many seconds of a journey pass in one second as soon as it is booked. 0: it stands still "
        "until it is driven.",
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG to ERROR.")
