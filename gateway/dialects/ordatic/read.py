"""Ordatic's webhooks put into the hub's words; pure: what they tell follows from the document and its source alone.

The messages are thin: what happened to which order of which store. They tell no time, so the time of receipt counts.
"""

from typing import Any

from crossdock.v1.actor_pb2 import ACTOR_KIND_CARRIER, ACTOR_KIND_MERCHANT
from crossdock.v1.report_pb2 import DeliveryReport, Issue

from gateway.dialects.inbound import ReadContext, Reading
from gateway.dialects.ordatic.keys import dedupe_key
from gateway.dialects.ordatic.proofs import read_proof
from gateway.dialects.ordatic.refunds import RefundReader
from gateway.dialects.ordatic.statuses import EVENTS, UNKNOWN, Meaning
from gateway.dialects.ordatic.wire import Data, OrdaticEvent, parse
from gateway.dialects.tolerance import issue, keep, unknown_members, unreadable
from gateway.unreadable import Unreadable

MAX_ISSUES = 200
MAX_KEPT_PROOF = 1000

_EXPECTED = {"proof_delivery": "rider-proof-delivery", "refund": "rider-refund"}
"""The members of `data` that come with one event alone."""


def read(document: Any, context: ReadContext) -> Reading:
    """The report and the dedupe key. Raises `MalformedMessage` for what names no order."""
    event, issues = parse(document)
    return Reading(_Reader(event, context, issues).read(document), dedupe_key(document))


class _Reader:
    """One event on its way into one report."""

    def __init__(self, event: OrdaticEvent, context: ReadContext, issues: list[Issue]) -> None:
        self._event = event
        self._data = event.data or Data()
        self._context = context
        self._issues = issues
        self._report = DeliveryReport()
        self._kept = unknown_members(event)

    def read(self, document: Any) -> DeliveryReport:
        event, report = self._event, self._report
        meaning = EVENTS.get(event.event_type or "")
        report.status_raw = event.event_type or ""
        report.actor.id = self._context.source_id
        report.booking = (meaning or UNKNOWN).booking
        self._read_names()
        if meaning is None:
            self._tell_unknown_word()
        elif meaning.order:
            report.actor.kind = ACTOR_KIND_MERCHANT
            self._read_order(meaning)
            self._read_meaning(meaning)
        else:
            self._read_rider()
            self._read_meaning(meaning)
        self._read_proof()
        self._read_refund(document)
        if self._kept and (fault := keep(report.patch, "ordatic", self._kept)):
            self._issues.insert(0, fault)
        report.issues.extend(self._issues[:MAX_ISSUES])
        return report

    def _read_names(self) -> None:
        order = self._data.order_id or ""
        self._report.targets.add(scope="ordatic.order", value=order)
        self._report.targets.add(scope="order", value=order)
        if self._event.store_id:
            self._report.patch.consignment.pickup.external_id = self._event.store_id
        elif all(each.pointer != "/storeId" for each in self._issues):
            self._issues.append(issue("/storeId", "missing", "no store is named"))

    def _read_rider(self) -> None:
        """The riders' company is not told: what tells of it is Ordatic."""
        self._report.actor.kind = ACTOR_KIND_CARRIER
        self._report.patch.carrier = "Ordatic"
        self._report.patch.carrier_ref = "ordatic"

    def _tell_unknown_word(self) -> None:
        self._report.unmapped = True
        self._report.actor.kind = ACTOR_KIND_CARRIER
        word = self._event.event_type
        if word:
            self._issues.append(issue("/eventType", "unknown_word", f"{word[:40]!r} is not documented"))
        elif all(each.pointer != "/eventType" for each in self._issues):
            self._issues.append(issue("/eventType", "missing", "no event is named"))

    def _read_meaning(self, meaning: Meaning) -> None:
        report = self._report
        report.status = meaning.status
        if meaning.reason:
            report.reason.code = meaning.reason
            report.reason.actor.kind = meaning.by
        if meaning.attention:
            report.attention.add(reason=meaning.attention, message=f"Ordatic: {self._event.event_type}")
        if meaning.preparing:
            report.patch.preparing = True

    def _read_order(self, meaning: Meaning) -> None:
        order = self._report.order_patch
        order.status = meaning.order
        order.status_raw = self._event.event_type or ""
        order.service_type = meaning.service
        order.service_type_ref = meaning.fulfilment_type
        order.references.add(scope="ordatic.order", value=self._data.order_id or "")
        if self._event.store_id:
            order.extensions["ordatic"].update({"storeId": self._event.store_id})

    def _read_proof(self) -> None:
        """An image goes its way in the proof alone; only a short text that is none is kept as it was sent."""
        text = self._data.proof_delivery
        if not text:
            self._tell_missing("proof_delivery", "/data/proofDelivery")
            return
        proof = read_proof(text)
        if isinstance(proof, Unreadable):
            self._issues.append(unreadable("/data/proofDelivery", "unreadable_image", proof))
            if len(text) <= MAX_KEPT_PROOF:
                self._keep("proofDelivery", text)
            return
        self._report.patch.proofs.append(proof)

    def _read_refund(self, document: Any) -> None:
        refund = self._data.refund
        if refund is None:
            self._tell_missing("refund", "/data/refund")
        else:
            told = RefundReader(self._issues, self._context.default_currency).read(refund)
            if told.ByteSize():
                self._report.patch.refunds.append(told)
            if not refund.id and all(each.pointer != "/data/refund/id" for each in self._issues):
                self._issues.append(issue("/data/refund/id", "missing", "without identifier its content is its name"))
        if any(each.pointer.startswith("/data/refund") and each.code != "missing" for each in self._issues):
            # What could not be read is kept as it was sent, with what stands around it.
            self._keep("refund", document["data"]["refund"])

    def _tell_missing(self, member: str, pointer: str) -> None:
        told = any(pointer.startswith(each.pointer) for each in self._issues if each.pointer)
        if self._event.event_type == _EXPECTED[member] and not told:
            self._issues.append(issue(pointer, "missing", "the event does not tell what it is about"))

    def _keep(self, name: str, value: Any) -> None:
        self._kept.setdefault("data", {})[name] = value
