import pytest
from crossdock.v1 import delivery_pb2 as pb
from crossdock.v1 import report_pb2 as reports
from crossdock.v1.delivery_pb2 import Delivery
from crossdock.v1.report_pb2 import DeliveryReport
from google.type.money_pb2 import Money

from services.deliveries import commands, inputs
from tests.deliveries.lives import CALLER, NOW, Book, at, report, status
from tests.deliveries.test_transitions import BEFORE_PICKUP, CLOSED, HUBS, WAY, WORDS

KNOWN = [each for each in WORDS if each != "UNKNOWN"]
RESTARTS = WAY[: WAY.index("PICKUP_EN_ROUTE") + 1]
EXITS_FOR_A_CALLER = {
    ("DELIVERED", "RETURNING"),
    ("CANCELLED", "RETURNING"),
    ("CANCELLED", "RETURN_ARRIVED"),
    ("CANCELLED", "RETURNED"),
    ("CANCELLED", "DELIVERED"),
    ("FAILED", "DISPATCHING"),
}


def expected(present: str, wanted: str) -> str:
    """What becomes of an update: "kept", "forward", "restart" or "refused"."""
    if wanted == present:
        return "kept"
    if wanted == "UNKNOWN":
        return "refused"
    if present in CLOSED:
        allowed = (present, wanted) in EXITS_FOR_A_CALLER
        return ("restart" if present == "FAILED" else "forward") if allowed else "refused"
    if wanted in CLOSED:
        return "forward" if present in BEFORE_PICKUP or wanted not in ("CANCELLED", "FAILED") else "refused"
    if {present, wanted} == HUBS or WAY.index(wanted) > WAY.index(present):
        return "forward"
    return "restart" if present in BEFORE_PICKUP and wanted in RESTARTS else "refused"


@pytest.mark.parametrize("present", KNOWN)
@pytest.mark.parametrize("wanted", WORDS)
def test_an_update_fits_or_is_refused_as_the_rules_say(present: str, wanted: str) -> None:
    delivery = Delivery(id="dlv_1", status=status(present), status_time=at(0))
    update = report(wanted, actor=CALLER)

    try:
        update.reset = commands.check_command(delivery, update, NOW)
        outcome = "restart" if update.reset else ("kept" if wanted == present else "forward")
    except commands.CommandRefused:
        outcome = "refused"

    assert outcome == expected(present, wanted)


@pytest.mark.parametrize("present", KNOWN)
@pytest.mark.parametrize("wanted", KNOWN)
def test_an_update_that_is_not_refused_reaches_its_status(present: str, wanted: str) -> None:
    book = Book.start()
    book.hear(report(present, 60, override=True))
    update = report(wanted, 3601, actor=CALLER)
    try:
        update.reset = commands.check_command(book.delivery, update, NOW)
    except commands.CommandRefused:
        return

    book.hear(update, received=3601)

    assert book.status == wanted


def test_a_refused_status_is_told_from_where_to_where() -> None:
    delivery = Delivery(status=pb.DELIVERY_STATUS_DELIVERED)

    with pytest.raises(commands.StatusNotReachable) as refused:
        commands.check_command(delivery, report("PICKED_UP", actor=CALLER), NOW)

    assert refused.value.metadata == {
        "field": "delivery.status",
        "from": "DELIVERY_STATUS_DELIVERED",
        "to": "DELIVERY_STATUS_PICKED_UP",
    }


@pytest.mark.parametrize("member", ["carrier", "carrier_ref", "fee"])
def test_what_was_agreed_cannot_be_changed_or_erased_but_repeated(member: str) -> None:
    agreed = Delivery(carrier="UPS", carrier_ref="ups", fee=Money(currency_code="EUR", units=4))
    other = Delivery(carrier="DHL", carrier_ref="dhl", fee=Money(currency_code="EUR", units=5))

    def only(source: Delivery) -> DeliveryReport:
        update = DeliveryReport(actor=CALLER)
        for field, value in source.ListFields():
            if field.name == member:
                update.patch.MergeFrom(Delivery(**{member: value}))
        return update

    erasing = DeliveryReport(actor=CALLER)
    erasing.clear_mask.paths.append(member)

    assert commands.check_command(agreed, only(agreed), NOW) == reports.RESET_UNSPECIFIED
    assert commands.check_command(Delivery(), only(agreed), NOW) == reports.RESET_UNSPECIFIED
    for update in (only(other), erasing):
        with pytest.raises(commands.FieldImmutable) as refused:
            commands.check_command(agreed, update, NOW)
        assert refused.value.metadata == {"field": f"delivery.{member}"}


@pytest.mark.parametrize("present", WORDS)
def test_a_delivery_is_called_off_before_the_pickup_and_once(present: str) -> None:
    delivery = Delivery(id="dlv_1", status=status(present))

    if present == "CANCELLED":
        with pytest.raises(commands.AlreadyCancelled):
            commands.check_cancel(delivery)
    elif present in (*BEFORE_PICKUP, "UNKNOWN"):
        commands.check_cancel(delivery)
    else:
        with pytest.raises(commands.NotCancellable) as refused:
            commands.check_cancel(delivery)
        assert refused.value.metadata == {"delivery_id": "dlv_1", "status": f"DELIVERY_STATUS_{present}"}


def test_an_override_always_fits() -> None:
    delivery = Delivery(status=pb.DELIVERY_STATUS_RETURNED)

    commands.check_command(delivery, report("PICKED_UP", override=True), NOW)


def test_a_command_takes_effect_after_a_carrier_whose_clock_runs_ahead() -> None:
    book = Book.start()
    book.hear(report("PICKUP_ARRIVED", 3600 + 240))
    command = report("DISPATCHED", 3600, actor=CALLER, reset=reports.RESET_DRIVER)

    given = inputs.receive(command, at(3600), at(0), after=book.last_key)

    assert given.key > book.last_key
    assert given.time.ToNanoseconds() == at(3600 + 240).ToNanoseconds() + 1
