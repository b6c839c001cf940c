import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from crossdock.v1 import webhook_service_pb2 as contract
from crossdock.v1.webhook_pb2 import AuthScheme, UnknownTargetPolicy, WebhookSource
from crossdock.v1.webhook_service_pb2_grpc import WebhookServiceStub
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from services.server import Server
from tests.services.accounts import Account, refused

PATH_SECRET = AuthScheme.AUTH_SCHEME_PATH_SECRET
STANDARD = AuthScheme.AUTH_SCHEME_STANDARD_WEBHOOKS
STATIC = AuthScheme.AUTH_SCHEME_STATIC_AUTHORIZATION
HMAC = AuthScheme.AUTH_SCHEME_HMAC_HEX
BASIC = AuthScheme.AUTH_SCHEME_BASIC


@pytest.fixture
def webhooks(channel: grpc.aio.Channel) -> WebhookServiceStub:
    return WebhookServiceStub(channel)


@pytest.fixture
def clock(server: Server) -> "Clock":
    clock = Clock()
    server.hub.now = clock
    return clock


class Clock:
    """Stands until it is told to go on."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.time


async def create(
    webhooks: WebhookServiceStub, account: Account, secret: str = "", request_id: str = "", **members: object
) -> WebhookSource:
    source = WebhookSource(**{"dialect": "skipcart", "auth_scheme": PATH_SECRET, **members})  # type: ignore[arg-type]
    request = contract.CreateWebhookSourceRequest(source=source, secret=secret, request_id=request_id)
    return (await webhooks.CreateWebhookSource(request, metadata=account.metadata)).source


async def resolve(webhooks: WebhookServiceStub, account: Account, source_id: str) -> WebhookSource:
    """As the gateway does: with the deployment's own key and no tenant."""
    request = contract.ResolveWebhookSourceRequest(source_id=source_id)
    return (await webhooks.ResolveWebhookSource(request, metadata=account.system[:1])).source


def values(source: WebhookSource) -> list[str]:
    return [secret.value for secret in source.secrets]


async def test_a_source_tells_its_path_and_once_its_secret(webhooks: WebhookServiceStub, account: Account) -> None:
    made = await create(webhooks, account)
    read = await webhooks.GetWebhookSource(
        contract.GetWebhookSourceRequest(source_id=made.id), metadata=account.metadata
    )
    listed = await webhooks.ListWebhookSources(contract.ListWebhookSourcesRequest(), metadata=account.metadata)

    assert made.path == f"/webhooks/skipcart/{made.id}"
    assert made.unknown_target_policy == UnknownTargetPolicy.UNKNOWN_TARGET_POLICY_PARK
    assert len(values(made)[0]) >= 43
    assert values(read.source) == [""]
    assert list(listed.sources) == [read.source]
    assert read.source.tenant_id == ""


async def test_the_gateway_learns_secrets_and_tenant_across_tenants(
    webhooks: WebhookServiceStub, account: Account, other_account: Account
) -> None:
    for each in (account, other_account):
        made = await create(webhooks, each)
        resolved = await resolve(webhooks, account, made.id)
        assert values(resolved) == values(made)
        assert resolved.tenant_id == each.tenant_id
        with refused("SCOPE_MISSING"):
            await webhooks.ResolveWebhookSource(
                contract.ResolveWebhookSourceRequest(source_id=made.id), metadata=each.metadata
            )
    with refused("NOT_FOUND"):
        await resolve(webhooks, account, "src_x")


@pytest.mark.parametrize("scheme", [PATH_SECRET, STANDARD, STATIC, HMAC, BASIC])
async def test_each_scheme_has_random_secrets_of_its_own_form(
    webhooks: WebhookServiceStub, account: Account, scheme: "AuthScheme.ValueType"
) -> None:
    made = [values(await create(webhooks, account, auth_scheme=scheme, hmac_header="x-signature"))[0] for _ in range(2)]

    assert made[0] != made[1]
    for value in made:
        if scheme == STANDARD:
            assert value.startswith("whsec_")
            assert len(base64.b64decode(value.removeprefix("whsec_"), validate=True)) == 32
        elif scheme == BASIC:
            assert value.startswith("crossdock:")
            assert len(value) > 50
        else:
            assert len(value) >= 43


@pytest.mark.parametrize(
    ("scheme", "secret", "usable"),
    [
        (STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", True),
        (STANDARD, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", True),
        (STANDARD, "whsec_not base64", False),
        (STANDARD, "whsec_", False),
        (PATH_SECRET, "0123456789abcdef", True),
        (PATH_SECRET, "short", False),
        (PATH_SECRET, "0123456789/abcdef", False),
        (BASIC, "user:pass:word", True),
        (BASIC, "user", False),
        (BASIC, ":password", False),
        (STATIC, "Bearer abc", True),
        (STATIC, " abc", False),
        (STATIC, "a\nb", False),
        (HMAC, "clé", False),
    ],
)
async def test_a_dictated_secret_must_fit_its_scheme(
    webhooks: WebhookServiceStub, account: Account, scheme: "AuthScheme.ValueType", secret: str, usable: bool
) -> None:
    members: dict[str, Any] = {"auth_scheme": scheme, "hmac_header": "x-signature"}
    if usable:
        made = await create(webhooks, account, secret, **members)
        assert values(await resolve(webhooks, account, made.id)) == [secret]
        return

    with refused("INVALID_REQUEST") as refusal:
        await create(webhooks, account, secret, **members)

    assert refusal.fields == ["secret"]


@pytest.mark.parametrize(
    ("members", "fields"),
    [
        ({"dialect": ""}, ["source.dialect"]),
        ({"auth_scheme": 0}, ["source.auth_scheme"]),
        ({"auth_scheme": HMAC}, ["source.hmac_header"]),
        (
            {"allowed_networks": ["10.0.0.0/8", "10.0.0.1/8", "x"]},
            ["source.allowed_networks[1]", "source.allowed_networks[2]"],
        ),
        ({"default_currency_code": "ZZZ"}, ["source.default_currency_code"]),
        ({"default_region_code": "ZZ"}, ["source.default_region_code"]),
    ],
)
async def test_a_source_that_cannot_be_is_refused_with_its_fields(
    webhooks: WebhookServiceStub, account: Account, members: dict[str, object], fields: list[str]
) -> None:
    with refused("INVALID_REQUEST") as refusal:
        await create(webhooks, account, **members)  # type: ignore[arg-type]

    assert refusal.fields == fields


async def test_a_repeated_creation_does_not_tell_the_secret_again(
    webhooks: WebhookServiceStub, account: Account
) -> None:
    first = await create(webhooks, account, request_id="r1")
    second = await create(webhooks, account, request_id="r1")

    assert second.id == first.id
    assert [secret.id for secret in second.secrets] == [secret.id for secret in first.secrets]
    assert values(second) == [""]


async def test_a_rotation_keeps_two_secrets_live_until_the_overlap_ends(
    webhooks: WebhookServiceStub, account: Account, clock: Clock
) -> None:
    made = await create(webhooks, account)
    request = contract.RotateWebhookSourceSecretRequest(source_id=made.id)

    rotated = (await webhooks.RotateWebhookSourceSecret(request, metadata=account.metadata)).source

    assert rotated.etag == "2"
    assert values(rotated)[1:] == [""]
    assert values(await resolve(webhooks, account, made.id)) == [values(rotated)[0], values(made)[0]]
    clock.time += timedelta(days=1)
    assert values(await resolve(webhooks, account, made.id)) == [values(rotated)[0]]
    read = await webhooks.GetWebhookSource(
        contract.GetWebhookSourceRequest(source_id=made.id), metadata=account.metadata
    )
    assert [secret.id for secret in read.source.secrets] == [rotated.secrets[0].id]


async def test_of_three_secrets_the_oldest_ends_at_once(webhooks: WebhookServiceStub, account: Account) -> None:
    made = await create(webhooks, account)
    request = contract.RotateWebhookSourceSecretRequest(source_id=made.id)

    second = (await webhooks.RotateWebhookSourceSecret(request, metadata=account.metadata)).source
    third = (await webhooks.RotateWebhookSourceSecret(request, metadata=account.metadata)).source

    assert values(await resolve(webhooks, account, made.id)) == [values(third)[0], values(second)[0]]


async def test_a_rotation_without_overlap_ends_the_secret_before_at_once(
    webhooks: WebhookServiceStub, account: Account
) -> None:
    made = await create(webhooks, account)
    request = contract.RotateWebhookSourceSecretRequest(
        source_id=made.id, overlap=Duration(), secret="0123456789abcdef"
    )

    await webhooks.RotateWebhookSourceSecret(request, metadata=account.metadata)

    assert values(await resolve(webhooks, account, made.id)) == ["0123456789abcdef"]


async def test_an_update_changes_what_the_mask_names_and_no_secret(
    webhooks: WebhookServiceStub, account: Account
) -> None:
    made = await create(webhooks, account, display_name="Old", allowed_networks=["10.0.0.0/8"])
    update = WebhookSource(id=made.id, disabled=True, etag=made.etag)
    mask = FieldMask(paths=["disabled", "allowed_networks"])

    after = await webhooks.UpdateWebhookSource(
        contract.UpdateWebhookSourceRequest(source=update, update_mask=mask), metadata=account.metadata
    )

    assert (after.source.disabled, after.source.display_name) == (True, "Old")
    assert list(after.source.allowed_networks) == []
    resolved = await resolve(webhooks, account, made.id)
    assert resolved.disabled
    assert values(resolved) == values(made)
    with refused("ETAG_MISMATCH"):
        await webhooks.UpdateWebhookSource(
            contract.UpdateWebhookSourceRequest(source=update), metadata=account.metadata
        )


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (WebhookSource(dialect="ordatic"), "FIELD_IMMUTABLE"),
        (WebhookSource(auth_scheme=BASIC), "FIELD_IMMUTABLE"),
        (WebhookSource(dialect="skipcart", auth_scheme=PATH_SECRET, display_name="x"), ""),
        (WebhookSource(allowed_networks=["x"]), "INVALID_REQUEST"),
    ],
)
async def test_dialect_and_scheme_are_set_once(
    webhooks: WebhookServiceStub, account: Account, update: WebhookSource, reason: str
) -> None:
    made = await create(webhooks, account)
    update = WebhookSource.FromString(update.SerializeToString())
    update.id = made.id
    request = contract.UpdateWebhookSourceRequest(source=update)

    if reason:
        with refused(reason):
            await webhooks.UpdateWebhookSource(request, metadata=account.metadata)
    else:
        await webhooks.UpdateWebhookSource(request, metadata=account.metadata)


@pytest.mark.parametrize("path", ["secrets", "path", "tenant_id", "etag"])
async def test_what_the_hub_assigns_cannot_be_named(webhooks: WebhookServiceStub, account: Account, path: str) -> None:
    made = await create(webhooks, account)
    request = contract.UpdateWebhookSourceRequest(source=made, update_mask=FieldMask(paths=[path]))

    with refused("INVALID_REQUEST") as refusal:
        await webhooks.UpdateWebhookSource(request, metadata=account.metadata)

    assert refusal.fields == ["update_mask"]


async def test_a_list_can_be_asked_for_one_dialect(webhooks: WebhookServiceStub, account: Account) -> None:
    ours = await create(webhooks, account, dialect="ordatic")
    await create(webhooks, account)

    listed = await webhooks.ListWebhookSources(
        contract.ListWebhookSourcesRequest(dialect="ordatic"), metadata=account.metadata
    )

    assert [source.id for source in listed.sources] == [ours.id]
