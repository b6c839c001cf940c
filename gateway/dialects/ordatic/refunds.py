"""Ordatic's refunds, between its cents and the contract's money; pure. No amount is rounded, nothing is lost unseen."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from crossdock.v1 import cost_pb2
from crossdock.v1.report_pb2 import Issue
from google.type.money_pb2 import Money

from gateway.dialects.ordatic.wire import Item, Refund, RefundFee, RefundItem
from gateway.dialects.tolerance import issue, unreadable
from gateway.money import from_units_and_nanos, read_minor_units, to_units_and_nanos
from gateway.times import parse_time
from gateway.unreadable import Unreadable

MOST_INT32 = 2**31 - 1
MAX_ITEMS, MAX_FEES, MAX_ARTICLES = 1000, 100, 1000

_AT = "/data/refund"
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:[.][0-9]{1,40})?")


class RefundReader:
    """Reads one refund; what cannot be read joins the issues."""

    def __init__(self, issues: list[Issue], currency: str) -> None:
        self._issues = issues
        self._currency = currency

    def read(self, refund: Refund) -> cost_pb2.Refund:
        """The refund in the contract's words."""
        told = cost_pb2.Refund(external_id=refund.id or "", reason=refund.reason or "")
        if refund.date:
            time = parse_time(refund.date)
            if isinstance(time, Unreadable):
                self._issues.append(unreadable(f"{_AT}/date", "unreadable_time", time))
            else:
                told.create_time.FromDatetime(time)
        self._set(told, "carrier_total", f"{_AT}/totalRiderRefund", refund.total_rider_refund)
        self._set(told, "partner_total", f"{_AT}/totalPartnerRefund", refund.total_partner_refund)
        for number, item in self._some(f"{_AT}/refundItems", refund.refund_items, MAX_ITEMS):
            self._read_item(told.items.add(), f"{_AT}/refundItems/{number}", item)
        for number, fee in self._some(f"{_AT}/refundFees", refund.refund_fees, MAX_FEES):
            self._read_fee(told.fees.add(), f"{_AT}/refundFees/{number}", fee)
        return told

    def _read_item(self, told: cost_pb2.RefundItem, at: str, item: RefundItem) -> None:
        told.reason, told.party_at_fault = item.reason or "", item.party_at_fault or ""
        self._set(told, "carrier_amount", f"{at}/riderAmount", item.rider_amount)
        self._set(told, "partner_amount", f"{at}/partnerAmount", item.partner_amount)
        for number, article in self._some(f"{at}/items", item.items, MAX_ARTICLES):
            told.articles.add(name=article.name or "", quantity=self._count(f"{at}/items/{number}/qty", article))

    def _read_fee(self, told: cost_pb2.RefundFee, at: str, fee: RefundFee) -> None:
        told.name, told.code = fee.name or "", fee.code or ""
        self._set(told, "amount", f"{at}/amount", fee.amount)

    def _some(self, at: str, entries: Sequence[Any | None] | None, most: int) -> list[tuple[int, Any]]:
        """The entries that can be read, with their places."""
        told = list(entries or ())
        if len(told) > most:
            self._issues.append(issue(at, "too_many", f"only the first {most} are read"))
        return [(number, entry) for number, entry in enumerate(told[:most]) if entry is not None]

    def _set(self, message: Any, name: str, at: str, text: str | None) -> None:
        """Sets a member that is an amount."""
        if not text:
            return
        if not self._currency:
            self._issues.append(issue(at, "no_currency", "the source has no default currency: kept as written"))
            return
        number = Decimal(text) if _NUMBER.fullmatch(text) else None
        money = Unreadable.of(text, "not a number") if number is None else read_minor_units(number, self._currency)
        if isinstance(money, Unreadable):
            self._issues.append(unreadable(at, "unreadable_money", money))
            return
        code, units, nanos = to_units_and_nanos(money)
        getattr(message, name).CopyFrom(Money(currency_code=code, units=units, nanos=nanos))

    def _count(self, at: str, article: Item) -> int:
        if not article.qty:
            return 0
        number = Decimal(article.qty) if _NUMBER.fullmatch(article.qty) else None
        if number is None or number != number.to_integral_value() or not 0 <= number <= MOST_INT32:
            self._issues.append(issue(at, "unreadable_number", f"not a whole number: {article.qty[:40]!r}"))
            return 0
        return int(number)


def write_refund(refund: cost_pb2.Refund) -> dict[str, Any]:
    """The refund data object as documented; what is not known is null."""
    return {
        "id": refund.external_id or None,
        "date": refund.create_time.ToJsonString() if refund.HasField("create_time") else None,
        "totalRiderRefund": _cents(refund.carrier_total),
        "totalPartnerRefund": _cents(refund.partner_total),
        "reason": refund.reason or None,
        "refundItems": [
            {
                "reason": item.reason or None,
                "riderAmount": _cents(item.carrier_amount),
                "partnerAmount": _cents(item.partner_amount),
                "partyAtFault": item.party_at_fault or None,
                "items": [{"name": each.name or None, "qty": each.quantity} for each in item.articles],
            }
            for item in refund.items
        ],
        "refundFees": [
            {"name": fee.name or None, "amount": _cents(fee.amount), "code": fee.code or None} for fee in refund.fees
        ],
    }


def _cents(money: Money) -> int | None:
    """Whole minor units; null for no amount, and for one that its currency has no coins for."""
    if not money.currency_code:
        return None
    amount = from_units_and_nanos(money.currency_code, money.units, money.nanos)
    return None if isinstance(amount, Unreadable) else amount.minor_units
