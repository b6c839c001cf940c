"""Looks into the databases after a load: everything that was acknowledged is there, once; makes no load."""

import urllib.request

import asyncpg
from crossdock.v1.delivery_pb2 import Delivery

WRONG = "wrong: "

_HUB = """
WITH told AS (
  SELECT w.webhook_id, w.source_id, w.dedupe_key, w.delivery_id, w.disposition
  FROM webhooks w WHERE position(convert_to($1, 'UTF8') IN w.body) > 0
), effects AS (
  SELECT e.input_key, e.delivery_id FROM events e
  WHERE octet_length(e.input_key) > 0 AND e.delivery_id IN (SELECT delivery_id FROM told)
)
SELECT (SELECT count(*) FROM told) AS stored,
       (SELECT count(DISTINCT (source_id, dedupe_key)) FROM told) AS facts,
       (SELECT count(*) FROM effects) AS effects,
       (SELECT count(DISTINCT (delivery_id, input_key)) FROM effects) AS distinct_effects
"""
_BASELINE = """
WITH told AS (SELECT w.id, w.dedupe_key FROM webhooks w WHERE position(convert_to($1, 'UTF8') IN w.body) > 0)
SELECT (SELECT count(*) FROM told) AS stored,
       (SELECT count(DISTINCT dedupe_key) FROM told) AS facts,
       (SELECT count(*) FROM events e JOIN told ON told.id = e.webhook_id) AS effects,
       (SELECT count(DISTINCT e.webhook_id) FROM events e JOIN told ON told.id = e.webhook_id) AS distinct_effects
"""


def plain(url: str) -> str:
    """A database's address as asyncpg takes it."""
    return url.replace("+asyncpg", "")


async def webhooks(
    url: str, tag: str, acknowledged: int, unanswered: int, *, baseline: bool = False, member: str = '_order_id"'
) -> str:
    """What became of the messages whose orders, as ``member`` of the body tells them, begin with ``tag``.

    A load that ends leaves up to ``unanswered`` messages without answer, which may be stored or not. A message is
    stored by its raw bytes, its key and its one effect.
    """
    connection = await asyncpg.connect(plain(url))
    try:
        found = await connection.fetchrow(_BASELINE if baseline else _HUB, f'{member}:"{tag}')
    finally:
        await connection.close()
    stored, facts, effects, distinct = found["stored"], found["facts"], found["effects"], found["distinct_effects"]
    counts = f"{acknowledged} acknowledged, {stored} stored, {effects} effects"
    once = stored == facts == effects == distinct
    return counts if once and acknowledged <= stored <= acknowledged + unanswered else f"{WRONG}{counts}"


def positions(latitudes: list[str], first: int, acknowledged: int, unanswered: int) -> str:
    """Whether the deliveries stand where they were sent last.

    The loads move them in turn, and each latitude counts up from ``first``: so the last round tells nearly all of them,
    but for those whose last move was not answered.
    """
    moved = [int(each.replace(".", "")) - 41_000_000 - first for each in latitudes if each.startswith("41.")]
    behind = len(latitudes) - sum(count > acknowledged - len(latitudes) for count in moved)
    told = f"{acknowledged} acknowledged, {len(moved)} deliveries moved, {behind} behind the last round"
    enough = behind <= unanswered + max(0, len(latitudes) - acknowledged)
    return told if enough else f"{WRONG}{told}"


async def latitudes(url: str, *, baseline: bool = False) -> list[str]:
    """Where the deliveries are that the loads move."""
    connection = await asyncpg.connect(plain(url))
    try:
        if baseline:
            rows = await connection.fetch("SELECT latitude FROM deliveries WHERE external_id LIKE 'read-%'")
            return [row[0] or "" for row in rows]
        rows = await connection.fetch("SELECT d.document FROM deliveries d JOIN orders USING (tenant_id, order_id)")
        return [Delivery.FromString(row[0]).position.latitude for row in rows]
    finally:
        await connection.close()


def calls(metrics_url: str, method: str) -> int:
    """How many calls of a method the services answered with OK."""
    with urllib.request.urlopen(metrics_url, timeout=10) as answer:  # noqa: S310  our own process's address
        lines = answer.read().decode().splitlines()
    wanted = f'crossdock_rpc_calls_total{{code="OK",method="{method}"}}'
    return next((int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(wanted)), 0)
