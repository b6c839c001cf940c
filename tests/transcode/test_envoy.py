"""Our face and Envoy's transcoder, on the same server and contract, answer alike, or ours in a listed and better way."""

import asyncio
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import httpx

from gateway.transcode.bindings import Binding, bindings_of, contract_services
from services.server import Server
from tests.services.worlds import Metadata, World
from tests.transcode.cases import RESOURCES, Case, cases_of
from tests.transcode.faces import envoys_face, our_face

BETTER: dict[str, str] = {
    "PROBLEM": "Envoy refuses what it cannot transcode in plain text, at the first fault; we list all faults, by path",
}
"""How our answer may differ from Envoy's, beside the members `status` of an error, and why that is better."""

_ID = re.compile(r"\b([a-z]{3})_[0-9a-hjkmnp-tv-z]{26}\b")
_TIME = re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)")
_RANDOM = re.compile(r"[A-Za-z0-9_+/=-]{40,}")


async def test_every_unary_method_answers_as_envoy_does(
    server: Server, channel: grpc.aio.Channel, system: Metadata, tmp_path: Path
) -> None:
    bindings = [each for each in bindings_of(contract_services()) if not each.method.server_streaming]
    worlds = [await World.make(channel, system, name) for name in ("acme-1", "acme-2")]
    for world in worlds:
        world.messages = 0
    seen: Counter[str] = Counter()
    unlisted: list[str] = []

    async with (
        our_face(channel) as ours,
        envoys_face(server.address, tmp_path) as theirs,
        httpx.AsyncClient(timeout=20) as client,
    ):
        for case in (case for binding in bindings for case in cases_of(binding)):
            answers = await asyncio.gather(
                ask(client, ours, case, worlds[0], system), ask(client, theirs, case, worlds[1], system)
            )
            found = difference(case, *answers)
            seen[found or "equal"] += 1
            if found and found not in BETTER:
                unlisted.append(f"{found}: {case.kind}: {case.name}\n  {told(answers[0])}\n  {told(answers[1])}")

    import pathlib
    pathlib.Path("/tmp/diffs.txt").write_text("\n".join(unlisted))
    print(seen)
    assert unlisted == []


async def ask(client: httpx.AsyncClient, url: str, case: Case, world: World, system: Metadata) -> httpx.Response:
    path = case.path
    for variable in case.binding.template.variables:
        place = "{" + variable.path + "}"
        if place in path:
            make = RESOURCES.get(variable.path)
            path = path.replace(place, await make(world) if make else "nothing")
    headers = {**dict(metadata_for(case.binding, world, system)), **case.headers}
    url = f"{url}{path}" + (f"?{case.query}" if case.query else "")
    body = None if case.body is None else case.body.replace(b"acme", world.tenant_id.encode())
    return await client.request(case.http_method or case.binding.http_method, url, content=body, headers=headers)


def metadata_for(binding: Binding, world: World, system: Metadata) -> Metadata:
    return system if "Tenant" in binding.method.name else world.account


def difference(case: Case, ours: httpx.Response, theirs: httpx.Response) -> str:
    """Empty when the answers are equal; else a word for what differs."""
    if theirs.headers.get("content-type", "").startswith("text/plain"):
        if ours.status_code == theirs.status_code and is_problem(ours):
            return "PROBLEM"
        return case.kind
    if ours.status_code != theirs.status_code or ours.status_code == 304:
        return case.kind
    return "" if canonical(case, ours, ours=True) == canonical(case, theirs, ours=False) else case.kind


def is_problem(answer: httpx.Response) -> bool:
    if answer.request.method == "HEAD":
        return True
    error = answer.json()
    return {"code", "status", "message", "details"} == set(error) and error["details"][0]["domain"] == "crossdock"


def canonical(case: Case, answer: httpx.Response, *, ours: bool) -> Any:
    if not answer.content:
        return None
    value = answer.json()
    if answer.is_success:
        field = case.binding.response_body
        if not ours and field:
            value = value.get(case.binding.method.output_type.fields_by_name[field].json_name, {})
    else:
        value.pop("status", None)
    return json.loads(_RANDOM.sub("<random>", _TIME.sub("<time>", _ID.sub(r"<\1>", json.dumps(value, sort_keys=True)))))


def told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.headers.get('content-type')} {answer.text[:600]}"
