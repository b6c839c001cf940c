import pytest
from crossdock.v1.contact_pb2 import Contact, Phone
from crossdock.v1.location_pb2 import Location
from crossdock.v1.order_pb2 import Order
from crossdock.v1.reference_pb2 import ExternalReference
from google.protobuf.field_mask_pb2 import FieldMask

from services.errors import Problem
from services.masks import apply_mask, copy_path, is_set_at, paths_of, require_unchanged

ASSIGNED = frozenset({"id", "etag"})


def present() -> Location:
    return Location(
        id="loc_1",
        name="Old",
        etag="3",
        carrier_refs=["a", "b"],
        contact=Contact(name="Jane", phone=Phone(raw="555", access_code="7")),
    )


def changed(update: Location, *paths: str) -> Location:
    after = present()
    apply_mask(update, after, FieldMask(paths=paths), assigned=ASSIGNED)
    return after


def test_only_what_is_named_changes() -> None:
    after = changed(Location(name="New", currency_code="USD"), "name")

    assert after.name == "New"
    assert after.currency_code == ""


def test_what_is_named_and_not_set_is_erased() -> None:
    after = changed(Location(), "name", "contact", "carrier_refs")

    assert after == Location(id="loc_1", etag="3")


def test_an_empty_mask_stands_for_what_is_set() -> None:
    after = changed(Location(id="loc_2", etag="9", currency_code="USD"))

    assert (after.id, after.etag, after.name, after.currency_code) == ("loc_1", "3", "Old", "USD")


def test_a_star_stands_for_everything_that_may_be_written() -> None:
    after = changed(Location(name="New"), "*")

    assert after == Location(id="loc_1", etag="3", name="New")


def test_a_list_is_replaced_as_a_whole() -> None:
    assert changed(Location(carrier_refs=["c"]), "carrier_refs").carrier_refs == ["c"]


def test_a_path_into_a_message_leaves_its_neighbours() -> None:
    after = changed(Location(contact=Contact(phone=Phone(raw="556"))), "contact.phone.raw")

    assert after.contact == Contact(name="Jane", phone=Phone(raw="556", access_code="7"))


def test_a_path_into_nothing_erases_and_makes_nothing() -> None:
    after = Location(id="loc_1")
    apply_mask(Location(), after, FieldMask(paths=["contact.phone.raw"]), assigned=ASSIGNED)

    assert after == Location(id="loc_1")


def test_one_key_of_a_map_changes_alone() -> None:
    after, update = Order(), Order()
    after.extensions["hubrise"]["a"] = 1
    after.extensions["other"]["b"] = 2
    update.extensions["hubrise"]["c"] = 3

    apply_mask(update, after, FieldMask(paths=["extensions.hubrise", "extensions.gone"]), assigned=())

    assert dict(after.extensions["hubrise"]) == {"c": 3}
    assert set(after.extensions) == {"hubrise", "other"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nmae", "is not a member of Location"),
        ("", "is not a member of Location"),
        ("contact.nmae", "is not a member of Contact"),
        ("name.first", "goes on behind 'name'"),
        ("carrier_refs.0", "can only be changed as a whole"),
        ("id", "is assigned by the hub"),
        ("etag", "is assigned by the hub"),
        ("contact.", "is not a member of Contact"),
        ("displayName", "is not a member of Location"),
        ("*", "is not a member of Location"),
    ],
)
def test_a_path_that_does_not_fit_is_named_and_nothing_is_written(path: str, words: str) -> None:
    after = present()

    with pytest.raises(Problem) as caught:
        apply_mask(Location(name="New"), after, FieldMask(paths=["name", path]), assigned=ASSIGNED)

    assert caught.value.reason == "INVALID_REQUEST"
    assert [violation.field for violation in caught.value.violations] == ["update_mask"]
    assert words in caught.value.violations[0].description
    assert after == present()


def test_every_path_that_does_not_fit_is_told() -> None:
    with pytest.raises(Problem) as caught:
        paths_of(Location(), FieldMask(paths=["a", "name", "b"]), assigned=())

    assert len(caught.value.violations) == 2


def test_a_member_that_is_set_once_can_be_set_and_repeated_but_not_changed() -> None:
    require_unchanged(Order(), Order(location_id="loc_1"), ["location_id"], "order")
    require_unchanged(Order(location_id="loc_1"), Order(location_id="loc_1"), ["location_id"], "order")

    for after in (Order(), Order(location_id="loc_2")):
        with pytest.raises(Problem) as caught:
            require_unchanged(Order(location_id="loc_1"), after, ["location_id"], "order")
        assert caught.value.reason == "FIELD_IMMUTABLE"
        assert caught.value.metadata == {"field": "order.location_id"}


def test_paths_can_be_asked_for_and_copied_one_by_one() -> None:
    source = present()
    target = Location()

    copy_path(source, target, "contact.phone.raw")

    assert target == Location(contact=Contact(phone=Phone(raw="555")))
    assert is_set_at(source, "contact.phone.raw")
    assert not is_set_at(source, "contact.email")
    assert not is_set_at(source, "address.unit")
    assert not is_set_at(Order(references=[ExternalReference()]), "extensions.hubrise")
