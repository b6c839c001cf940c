"""The settings of a services process, from the environment or from flags; knows nothing of what they switch.

Each field is the environment variable ``CROSSDOCK_`` + its name, and the flag ``--`` + its name with hyphens.
"""

import base64
import binascii
from pathlib import Path
from typing import Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, CliSuppress, SettingsConfigDict

from services.carriers.targets import Allowed

KEY_BYTES = 32


class Settings(BaseSettings):
    """What a services process can be told. Only the database and the encryption key have no default."""

    model_config = SettingsConfigDict(
        env_prefix="CROSSDOCK_",
        # A wrong value must not be quoted in the error: it may be a secret in the wrong place.
        hide_input_in_errors=True,
        cli_kebab_case=True,
        cli_prog_name="crossdock services",
        cli_hide_none_type=True,
        cli_implicit_flags=True,
        extra="ignore",
    )

    database_url: SecretStr = Field(
        description="The PostgreSQL database: `postgresql://user:password@host:port/name`, `?sslmode=` and all."
    )
    encryption_key: CliSuppress[SecretStr] = Field(
        description="32 bytes, in hexadecimal or base64, under which secrets are sealed in the database."
    )
    former_encryption_keys: CliSuppress[SecretStr] = Field(
        default=SecretStr(""),
        description="Keys of the past, separated by commas, that still open what was sealed with them.",
    )
    system_token: CliSuppress[SecretStr] = Field(
        default=SecretStr(""),
        description="The deployment's own key, with which our processes call each other. Empty: none.",
    )

    grpc: str = Field(
        default="127.0.0.1:7411",
        description="Where gRPC is served: `host:port` (port 0: any free one) or `unix:/path/of/socket`.",
    )
    metrics: str = Field(
        default="127.0.0.1:7412",
        description="Where Prometheus finds `/metrics`: `host:port` (port 0: any free one). Empty: nowhere.",
    )
    ready_file: Path | None = Field(
        default=None, description="Written once all is served: JSON with the bound addresses, `grpc` and `metrics`."
    )
    tls_certificate: Path | None = Field(
        default=None, description="PEM file with the server's certificate chain. Without it gRPC is served in clear."
    )
    tls_key: Path | None = Field(default=None, description="PEM file with the private key of `tls_certificate`.")
    tls_client_authority: Path | None = Field(
        default=None,
        description="PEM file with the authority whose certificates clients must present (mutual TLS).",
    )
    reuse_port: bool = Field(
        default=False, description="Let several processes serve one address; the kernel spreads connections."
    )
    reflection: bool = Field(default=True, description="Tell clients the contract through gRPC server reflection.")

    pool_size: int = Field(default=10, ge=1, le=1000, description="Database connections of this process, at most.")
    pool_wait_seconds: float = Field(
        default=2.0, gt=0, le=60, description="How long a call waits for a free connection before it is UNAVAILABLE."
    )
    allow_unsafe_commits: bool = Field(
        default=False,
        description="Serve though PostgreSQL runs with `fsync` or `synchronous_commit` off: for tests only.",
    )
    max_concurrent_rpcs: int = Field(
        default=200, ge=1, description="Calls under way at once, streams apart; one more is refused as OVERLOADED."
    )
    max_concurrent_streams: int = Field(default=1000, ge=1, description="Open streams, likewise.")
    calls_per_minute: int = Field(
        default=0,
        ge=0,
        description="How often a token without a limit of its own may call, in each process. 0: as often as it likes.",
    )
    deadline_seconds: float = Field(
        default=30.0,
        gt=0,
        le=300,
        description="The longest that a call may take, whatever its own deadline. Streams have no end.",
    )
    grace_seconds: float = Field(
        default=10.0, ge=0, le=300, description="How long calls under way may take to finish after SIGTERM."
    )
    notice_seconds: float = Field(
        default=0.5,
        ge=0,
        le=60,
        description="After SIGTERM, how long calls are still taken while health says NOT_SERVING; part of the grace.",
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG to ERROR.")
    log_calls: bool = Field(
        default=True, description="One log line per call. Otherwise only those that fail on our side."
    )

    egress_allow: str = Field(
        default="",
        description="As the gateway's: when set, addresses of subscribers are judged at the connection alone.",
    )
    carriers_allow: str = Field(
        default="",
        description="Carriers of this deployment's own, which need not be public and may be spoken to in clear: "
        "hosts, addresses and networks, separated by commas.",
    )
    carriers_authority: Path | None = Field(
        default=None,
        description="PEM file with the authorities whose certificates carriers present. None: the public ones.",
    )
    geocoder: Literal["offline", "none"] = Field(
        default="offline",
        description="What finds positions of addresses that tell none: `offline` knows US postal codes, `none` none.",
    )
    geocoding_required: bool = Field(
        default=False,
        description="Refuse shipments with an address that tells no position and for which none is found. Otherwise "
        "only those with a postal code that the geocoder should know and does not.",
    )
    public_url: str = Field(
        default="",
        description="The gateway's address as recipients reach it: shipments' tracking pages and labels are linked "
        "beneath it. Empty: no such links.",
    )
    parked_timeout_seconds: int = Field(
        default=72 * 3600, ge=60, description="How long a message for something unknown waits for it to appear."
    )
    retention_events_days: int | None = Field(
        default=None, ge=1, description="Events older than this are dropped, a week at a time. None: kept."
    )
    retention_webhooks_days: int | None = Field(
        default=None, ge=1, description="Inbound messages, with their raw bodies, likewise."
    )
    retention_positions_days: int | None = Field(default=30, ge=1, description="The couriers' trails, likewise.")
    retention_attempts_days: int | None = Field(
        default=90, ge=7, description="The tries to reach subscribers, likewise."
    )
    webhook_keys_days: int = Field(
        default=30, ge=7, description="How long a message's key is remembered; longer than any carrier retries."
    )
    idempotency_keys_hours: int = Field(
        default=72, ge=24, description="How long a `request_id` is remembered with its answer."
    )

    @field_validator("database_url")
    @classmethod
    def _for_our_driver(cls, given: SecretStr) -> SecretStr:
        """Takes the address as libpq writes it and gives it as SQLAlchemy's asyncpg dialect wants it."""
        parts = urlsplit(given.get_secret_value())
        if parts.scheme.partition("+")[0] not in ("postgres", "postgresql"):
            raise ValueError("must begin with postgresql://")
        query = [("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)]
        return SecretStr(urlunsplit(parts._replace(scheme="postgresql+asyncpg", query=urlencode(query))))

    @field_validator("carriers_allow")
    @classmethod
    def _allowed_carriers(cls, given: str) -> str:
        Allowed.parse(given)
        return given

    @field_validator("public_url")
    @classmethod
    def _beneath_it(cls, given: str) -> str:
        if not given:
            return given
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an http or https address without query")
        return given.rstrip("/")

    @field_validator("encryption_key", "former_encryption_keys")
    @classmethod
    def _a_key(cls, given: SecretStr) -> SecretStr:
        for each in filter(None, given.get_secret_value().split(",")):
            _key(each)
        return given

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.encryption_key.get_secret_value():
            raise ValueError("encryption_key must not be empty")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together")
        if self.tls_client_authority is not None and self.tls_certificate is None:
            raise ValueError("tls_client_authority needs tls_certificate and tls_key")
        return self

    @property
    def sealing_key(self) -> bytes:
        """The 32 bytes of ``encryption_key``."""
        return _key(self.encryption_key.get_secret_value())

    @property
    def former_sealing_keys(self) -> list[bytes]:
        """The 32 bytes of each of ``former_encryption_keys``."""
        given = self.former_encryption_keys.get_secret_value()
        return [_key(each) for each in filter(None, given.split(","))]


def _key(text: str) -> bytes:
    for decode in (bytes.fromhex, lambda given: base64.b64decode(given, altchars=b"-_", validate=True)):
        try:
            key = decode(text.strip())
        except (ValueError, binascii.Error):
            continue
        if len(key) == KEY_BYTES:
            return key
    raise ValueError(f"must be {KEY_BYTES} bytes, as hexadecimal digits or in base64")
