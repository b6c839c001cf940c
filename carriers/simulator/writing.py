"""Makes a webhook of a fact and puts it into the books; posts nothing."""

import json

from crossdock.simulator.v1 import simulator_pb2 as books

from carriers.simulator.documents import DIALECTS
from carriers.simulator.facts import Fact
from carriers.simulator.ledger import Ledger
from carriers.simulator.times import present, stamp


def write_webhook(ledger: Ledger, fact: Fact) -> books.SentWebhook | None:
    """The webhook, pending; None where the dialect tells no such thing."""
    written = DIALECTS[fact.carrier.dialect].write(fact)
    if written is None:
        return None
    word, document = written
    webhook = books.SentWebhook(
        carrier=fact.carrier.name,
        reference=fact.booking.booking.reference,
        word=word,
        status=fact.meaning.status,
        body=json.dumps(document, ensure_ascii=False, separators=(",", ":")),
        outcome=books.WEBHOOK_OUTCOME_PENDING,
        create_time=stamp(present()),
    )
    webhook.message_id = "msg_" + fact.chance.identifier(f"{fact.step.at_seconds} {fact.happening.name}").replace(
        "-", ""
    )
    return ledger.add(webhook)
