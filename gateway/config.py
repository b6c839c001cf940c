"""The settings of a gateway process, from the environment or from flags; knows nothing of what they switch.

Each field is the environment variable ``CROSSDOCK_`` + its name, and the flag ``--`` + its name with hyphens.
"""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, CliSuppress, SettingsConfigDict

from gateway.egress.allowances import Allowances
from gateway.verifiers import parse_networks
from gateway.verifiers.addresses import Network

MIB = 1 << 20


class Settings(BaseSettings):
    """What a gateway process can be told. Without the system token it reaches no services that ask for one."""

    model_config = SettingsConfigDict(
        env_prefix="CROSSDOCK_",
        # A wrong value must not be quoted in the error: it may be a secret in the wrong place.
        hide_input_in_errors=True,
        cli_kebab_case=True,
        cli_prog_name="crossdock gateway",
        cli_hide_none_type=True,
        cli_implicit_flags=True,
        extra="ignore",
    )

    http: str = Field(
        default="127.0.0.1:8080",
        pattern=r"^(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+):[0-9]{1,5}$",
        description="Where HTTP is served: `host:port` (port 0: any free one), `[::1]:8080` for IPv6.",
    )
    ready_file: Path | None = Field(
        default=None, description="Written once HTTP is served: JSON with the address, `http`, as a URL."
    )
    reuse_port: bool = Field(
        default=False, description="Let several processes serve one address; the kernel spreads connections."
    )

    services: str = Field(default="127.0.0.1:7411", description="The address of the services' gRPC.")
    system_token: CliSuppress[SecretStr] = Field(
        default=SecretStr(""), description="The deployment's own key, with which our processes call each other."
    )
    services_tls: bool = Field(default=False, description="Call the services over TLS.")
    services_tls_authority: Path | None = Field(
        default=None,
        description="PEM file with the authority of the services' certificate. None: the system's authorities.",
    )
    services_tls_certificate: Path | None = Field(
        default=None, description="PEM file with the certificate chain that we present (mutual TLS)."
    )
    services_tls_key: Path | None = Field(default=None, description="PEM file with its private key.")
    services_seconds: float = Field(
        default=10.0, gt=0, le=60, description="How long a call of the services may take before it counts as failed."
    )

    max_body_bytes: int = Field(default=1 * MIB, ge=1024, le=8 * MIB, description="The largest body of a request.")
    max_image_body_bytes: int = Field(
        default=8 * MIB,
        ge=1024,
        le=8 * MIB,
        description="The largest body of a webhook that may hold images (Ordatic's proofs), if that is more.",
    )
    header_seconds: float = Field(default=10.0, gt=0, le=300, description="How long the headers of a request may take.")
    body_seconds: float = Field(default=10.0, gt=0, le=300, description="How long its body may take after that.")
    keep_alive_seconds: int = Field(
        default=75,
        ge=1,
        le=3600,
        description="How long an idle connection is kept: longer than the load balancer does.",
    )
    trusted_proxies: str = Field(
        default="", description="Networks whose `X-Forwarded-For` is believed, in CIDR notation, separated by commas."
    )

    source_seconds: float = Field(
        default=5.0,
        ge=0,
        le=300,
        description="How long a webhook source is remembered, and so a revoked secret accepted.",
    )
    source_stale_seconds: float = Field(
        default=600.0, ge=0, description="How long it is still believed while the services do not answer."
    )
    # Small enough that the gateway reads one batch while the services apply another.
    max_batch: int = Field(default=64, ge=1, le=1000, description="Webhooks sent on in one call, at most.")
    max_batches_in_flight: int = Field(default=2, ge=1, le=100, description="Such calls under way at once.")
    max_waiting: int = Field(default=10_000, ge=1, description="Webhooks waiting for a call; one more is answered 503.")
    max_waiting_bytes: int = Field(
        default=64 * MIB, ge=8 * MIB, description="Their bodies together, likewise, those under way included."
    )

    egress_allow: str = Field(
        default="",
        description="Where we connect though it is not public or not https, separated by commas: hosts, `*.domain`, "
        "addresses, networks, each with `:port` if only that is meant and `http://` before it if the clear protocol "
        "may be spoken: `hooks.internal,10.1.0.0/16:8443,http://127.0.0.1`.",
    )
    egress_authority: Path | None = Field(
        default=None, description="PEM file with authorities that are trusted there beside the system's."
    )
    egress_connect_seconds: float = Field(
        default=5.0, gt=0, le=60, description="How long a connection to somebody else's server may take."
    )

    sending: bool = Field(
        default=True,
        description="Send events to subscribers from this process, if it has the deployment's own key.",
    )
    sending_leases: int = Field(
        default=200, ge=1, le=10_000, description="Subscriptions that it sends for at once, at most."
    )
    sending_concurrency: int = Field(default=256, ge=1, le=10_000, description="Messages under way at once, at most.")
    sending_lease_seconds: float = Field(
        default=20.0,
        ge=1,
        le=300,
        description="How soon others send for a subscription when this process falls silent.",
    )

    label_font: Path | None = Field(
        default=None, description="TrueType file in which labels are written. None: a built-in font for Latin letters."
    )

    grace_seconds: float = Field(
        default=10.0, ge=0, le=300, description="How long requests under way may take to finish after SIGTERM."
    )
    notice_seconds: float = Field(
        default=0.5,
        ge=0,
        le=60,
        description="After SIGTERM, how long requests are still taken while /readyz says 503; part of the grace.",
    )
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG to ERROR.")
    log_requests: bool = Field(
        default=True, description="One log line per request. Otherwise only those that are not answered as asked."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, given: str) -> str:
        _split(given)
        return given

    @field_validator("egress_allow")
    @classmethod
    def _allowances(cls, given: str) -> str:
        Allowances.parse(given.split(","))
        return given

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.services_tls_certificate is None) != (self.services_tls_key is None):
            raise ValueError("services_tls_certificate and services_tls_key go together")
        if not self.services_tls and (self.services_tls_authority or self.services_tls_certificate):
            raise ValueError("services_tls_authority and services_tls_certificate need services_tls")
        return self

    @property
    def trusted_networks(self) -> tuple[Network, ...]:
        """The networks of ``trusted_proxies``."""
        return _split(self.trusted_proxies)

    @property
    def egress_allowances(self) -> Allowances:
        """The entries of ``egress_allow``."""
        return Allowances.parse(self.egress_allow.split(","))

    @property
    def http_address(self) -> tuple[str, int]:
        """Host and port of ``http``."""
        host, _, port = self.http.rpartition(":")
        return host.strip("[]"), int(port)


def _split(given: str) -> tuple[Network, ...]:
    return parse_networks(filter(None, (each.strip() for each in given.split(","))))
