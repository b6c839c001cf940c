"""Our face and Envoy's transcoder, on one server and contract, answer alike, or ours in a listed and better way."""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import httpx

from gateway.transcode.bindings import bindings_of, contract_services
from services.server import Server
from tests.services.worlds import Metadata, World
from tests.transcode.cases import RESOURCES, Case, cases_of
from tests.transcode.faces import OF_BYTES, ROOT, envoys_face, our_face

OF_THE_TENANT = {"GetDispatchRules", "UpdateDispatchRules"}
"""What a tenant has one of: it counts the changes of all requests, which the faces are sent in no order."""

BETTER: dict[str, tuple[int, str]] = {
    "unknown member": (400, "Envoy passes over members that it does not know: a misspelt one is lost without a word"),
    "wrong member": (400, "Envoy takes one value for a list, null inside a list and text for a boolean"),
    "malformed": (400, "Envoy takes single quotes and other relatives of JSON"),
    "same member twice": (400, "Envoy takes the last one, and no two parsers agree on that"),
    "null body": (400, "Envoy takes null for an empty object"),
    "no body": (400, "Envoy takes nothing for an empty object, and so makes a delivery of an empty request"),
    "content type": (415, "Envoy reads any body as JSON"),
    "body on a read": (400, "Envoy throws the body away"),
    "path and body": (400, "Envoy lets the path win, and the change hits another thing than the body says"),
    "given twice": (400, "Envoy takes the last one"),
    "query beside the body": (400, "Envoy merges it into the body, against google/api/http.proto"),
    "bad path": (400, "Envoy passes on broken percent-encoding as it is"),
    "trailing slash": (404, "Envoy takes it away: a client with an empty identifier would get the list"),
    "wrong method": (405, "Envoy says 404 for a path that exists, and not what it takes"),
    "unknown verb": (405, "the same"),
    "head": (0, "Envoy knows no HEAD; ours has the status of GET"),
}
"""Where our answer differs: its status by kind of request, and why it is better.

Everywhere besides: an error has the member `status` too; what the face itself refuses is a problem that lists every
fault by its path, where Envoy says the first in plain text; `response_body` shows the resource, where Envoy 1.40 does
not start and has to be given a contract without it.
"""

_ID = re.compile(r"\b([a-z]{3})_[0-9a-hjkmnp-tv-z]{26}\b")
_TIME = re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)")
_RANDOM = re.compile(r"[A-Za-z0-9_+/=-]{30,}|xd_[A-Za-z0-9]{4}|acme-[12]|req-[0-9a-f]+|order-[0-9]+")


async def test_every_unary_method_answers_as_envoy_does(
    server: Server, channel: grpc.aio.Channel, system: Metadata, tmp_path: Path
) -> None:
    bindings = [each for each in bindings_of(contract_services()) if not each.method.server_streaming]
    # Lists first: where only one face changes something, the tenants are no longer alike.
    bindings.sort(key=lambda each: (each.http_method != "GET", len(each.template.variables)))
    cases = list(cases_of(bindings))
    worlds = [await World.make(channel, system, name) for name in ("acme-1", "acme-2")]
    seen: Counter[str] = Counter()
    unlisted: list[str] = []

    async with (
        our_face(channel) as ours,
        envoys_face(server.address, tmp_path) as theirs,
        httpx.AsyncClient(timeout=60) as client,
    ):
        for case in cases:
            answers = await asyncio.gather(
                ask(client, ours, case, worlds[0], system), ask(client, theirs, case, worlds[1], system)
            )
            found = difference(case, *answers)
            seen[found] += 1
            if answers[0].status_code == 500:
                unlisted.append(f"broken by {case.name}")
            if found and (found not in BETTER or BETTER[found][0] not in (0, answers[0].status_code)):
                unlisted.append(f"{case.kind}: {case.name}\n  {told(answers[0])}\n  {told(answers[1])}")

    assert not unlisted, "\n".join(unlisted)
    assert {each.binding.method.full_name for each in cases} == {each.method.full_name for each in bindings}
    assert set(BETTER) <= set(seen), "listed and not seen any more"
    assert seen[""] > len(cases) / 2


def test_every_listed_difference_is_documented() -> None:
    page = (ROOT / "docs/canonical-json.md").read_text()

    assert [kind for kind in BETTER if f"\n| {kind} |" not in page] == []


async def ask(client: httpx.AsyncClient, url: str, case: Case, world: World, system: Metadata) -> httpx.Response:
    """Sends the request to one face, for one tenant, to things of its own."""
    path = case.path
    for variable in case.binding.template.variables:
        place = "{" + variable.path + "}"
        if place in path:
            make = RESOURCES.get(variable.path)
            path = path.replace(place, await make(world) if make else "nothing")
    metadata = system if "Tenant" in case.binding.method.name else world.account
    url = f"{url}{path}" + (f"?{case.query}" if case.query else "")
    body = (
        (case.body or b"").replace(b"TENANT", world.tenant_id.encode()).replace(b"LOCATION", world.location_id.encode())
    )
    method = case.http_method or case.binding.http_method
    return await client.request(method, url, content=body or None, headers={**dict(metadata), **case.headers})


def difference(case: Case, ours: httpx.Response, theirs: httpx.Response) -> str:
    """Empty when the answers are equal, refused by both included; else the kind of the request."""
    if ours.status_code != theirs.status_code:
        return case.kind
    if theirs.headers.get("content-type", "").startswith("text/plain"):
        return "" if is_problem(ours) else case.kind
    if case.binding.method.name in OF_BYTES and ours.is_success:
        kinds = {answer.headers["content-type"] for answer in (ours, theirs)}
        return "" if ours.content == theirs.content and len(kinds) == 1 else case.kind
    return "" if canonical(case, ours, ours=True) == canonical(case, theirs, ours=False) else case.kind


def is_problem(answer: httpx.Response) -> bool:
    if answer.request.method == "HEAD":
        return True
    error = answer.json()
    return {"code", "status", "message", "details"} == set(error) and error["details"][0]["domain"] == "crossdock"


def canonical(case: Case, answer: httpx.Response, *, ours: bool) -> Any:
    """The answer without what must differ between two tenants, and as `response_body` would have it."""
    if not answer.content:
        return None
    value = answer.json()
    if answer.is_error:
        value.pop("status", None)
    elif not ours and case.binding.response_body:
        output = case.binding.method.output_type
        value = value.get(output.fields_by_name[case.binding.response_body].json_name, {})
    if case.binding.method.name in OF_THE_TENANT and isinstance(value, dict):
        value.pop("etag", None)
    text = _TIME.sub("<time>", _ID.sub(r"<\1>", json.dumps(value, sort_keys=True)))
    return json.loads(_RANDOM.sub("<random>", text))


def told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.headers.get('content-type')} {answer.text[:600]}"
