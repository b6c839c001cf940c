"""Promise 30: secrets are never at rest in clear, nor in logs."""

import base64
import secrets
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
import sqlalchemy as sa
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.access_pb2 import AccessLevel, Scope, Token
from crossdock.v1.access_service_pb2 import CreateTokenRequest
from crossdock.v1.access_service_pb2_grpc import AccessServiceStub
from crossdock.v1.webhook_pb2 import AuthScheme, WebhookSource
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceStub

from runtime.postgres import EmbeddedPostgres
from services.db.schema import metadata as schema
from services.server import Server
from tests.services.accounts import Account, bearer, refused

SCHEMES = [scheme for scheme in AuthScheme.values() if scheme]


def canary(scheme: "AuthScheme.ValueType") -> str:
    """A secret that its scheme takes and that is found nowhere by chance."""
    text = f"canary{secrets.token_hex(16)}"
    return f"user:{text}" if scheme == AuthScheme.AUTH_SCHEME_BASIC else text


async def through_every_flow(channel: grpc.aio.Channel, account: Account) -> list[str]:
    """Makes, rotates, repeats, resolves and fails with secrets; returns all of them."""
    webhooks, told = WebhookServiceStub(channel), []
    for number, scheme in enumerate(SCHEMES):
        for secret in ("", canary(scheme)):
            source = WebhookSource(
                dialect="skipcart", auth_scheme=scheme, hmac_header="x-signature", display_name="mark-of-a-source"
            )
            request = contract.CreateWebhookSourceRequest(
                source=source, secret=secret, request_id=f"{number}{bool(secret)}"
            )
            made = (await webhooks.CreateWebhookSource(request, metadata=account.metadata)).source
            await webhooks.CreateWebhookSource(request, metadata=account.metadata)
            next_secret = canary(scheme) if secret else ""
            rotated = await webhooks.RotateWebhookSourceSecret(
                contract.RotateWebhookSourceSecretRequest(source_id=made.id, secret=next_secret),
                metadata=account.metadata,
            )
            await webhooks.UpdateWebhookSource(
                contract.UpdateWebhookSourceRequest(source=WebhookSource(id=made.id, disabled=True)),
                metadata=account.metadata,
            )
            resolved = await webhooks.ResolveWebhookSource(
                contract.ResolveWebhookSourceRequest(source_id=made.id), metadata=account.system[:1]
            )
            values = {each.value for each in (*made.secrets, *rotated.source.secrets) if each.value}
            assert {each.value for each in resolved.source.secrets} == values
            told += sorted(values)

            refused_secret = canary(scheme)
            told.append(refused_secret)
            request.secret = refused_secret
            with refused("REQUEST_ID_REUSED"):
                await webhooks.CreateWebhookSource(request, metadata=account.metadata)
            too_long = refused_secret + "x" * 500
            with refused("INVALID_REQUEST"):
                await webhooks.RotateWebhookSourceSecret(
                    contract.RotateWebhookSourceSecretRequest(source_id=made.id, secret=too_long),
                    metadata=account.metadata,
                )
    token = Token(level=AccessLevel.ACCESS_LEVEL_ACCOUNT, scopes=[Scope.SCOPE_ORDERS_READ])
    made_token = await AccessServiceStub(channel).CreateToken(
        CreateTokenRequest(token=token), metadata=account.metadata
    )
    unknown = canary(AuthScheme.AUTH_SCHEME_PATH_SECRET)
    with refused("TOKEN_INVALID"):
        await AccessServiceStub(channel).CreateToken(CreateTokenRequest(token=token), metadata=bearer(unknown))
    return [*told, made_token.value, unknown]


def forms(secret: str) -> list[bytes]:
    """How a secret may stand somewhere in clear."""
    raw = secret.removeprefix("user:").removeprefix("crossdock:").removeprefix("whsec_").encode()
    found = [raw, raw.hex().encode(), base64.b64encode(raw)[: len(raw) // 3 * 4]]
    if secret.startswith("whsec_"):
        found.append(base64.b64decode(raw))
    return found


def places_of(needles: list[bytes], folder: Path) -> list[str]:
    """The files of a running server in which any of them stands."""
    found = []
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):  # the server removes caches whenever it likes
            content = file.read_bytes() if file.is_file() else b""
            found += [file.name for each in needles if each in content]
    return found


async def test_no_secret_is_found_in_any_table_in_the_write_ahead_log_or_in_what_is_logged(
    server: Server,
    channel: grpc.aio.Channel,
    account: Account,
    postgres: EmbeddedPostgres,
    capfd: pytest.CaptureFixture[str],
) -> None:
    needles = [form for secret in await through_every_flow(channel, account) for form in forms(secret)]
    rows: list[str] = []
    async with server.hub.transaction() as connection:
        for table in schema.sorted_tables:
            query = sa.text(f'SELECT t::text FROM "{table.name}" t')
            rows += (await connection.execute(query)).scalars().all()
    async with server.hub.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(sa.text("CHECKPOINT"))
    stored = "\n".join(rows).encode()
    logged = "".join(capfd.readouterr()).encode()

    assert len(needles) > 60
    assert [each for each in needles if each in stored] == []
    assert [each for each in needles if each in logged] == []
    assert places_of(needles, postgres.data_dir) == []
    # What is no secret is found by the same search.
    assert b"mark-of-a-source".hex().encode() in stored
    assert b"CreateWebhookSource" in logged
    assert places_of([b"mark-of-a-source"], postgres.data_dir) != []
