from tests.dialects.hubrise.conftest import Shop


async def test_an_address_with_a_line_break_is_refused_in_hubrises_words(shop: Shop) -> None:
    answers = [await shop.local.get(path) for path in ("/location/orders/%0A1", "/no%0Awhere")]

    assert [(answer.status_code, answer.json()["error_type"]) for answer in answers] == [
        (404, "not_found"),
        (404, "routing_error"),
    ]
