import pytest

from services.sealing import SealBroken, Sealer

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))


def test_what_was_sealed_opens_in_its_context_alone() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"whsec_canary", b"tenant 1")

    assert sealer.open(sealed, b"tenant 1") == b"whsec_canary"
    with pytest.raises(SealBroken):
        sealer.open(sealed, b"tenant 2")


def test_a_sealed_value_shows_nothing_and_is_another_one_each_time() -> None:
    sealer = Sealer(KEY)
    values = {sealer.seal(b"whsec_canary", b"") for _ in range(100)}

    assert len(values) == 100
    assert not any(b"canary" in value for value in values)


@pytest.mark.parametrize("position", range(1 + 4 + 12 + 6 + 16))
def test_any_changed_byte_breaks_the_seal(position: int) -> None:
    sealer = Sealer(KEY)
    sealed = bytearray(sealer.seal(b"secret", b""))
    sealed[position] ^= 1

    with pytest.raises(SealBroken):
        sealer.open(bytes(sealed), b"")


@pytest.mark.parametrize("length", range(38))
def test_a_short_value_breaks_the_seal(length: int) -> None:
    sealer = Sealer(KEY)

    with pytest.raises(SealBroken):
        sealer.open(sealer.seal(b"secret", b"")[:length], b"")


def test_a_former_key_still_opens_and_no_longer_seals() -> None:
    sealed = Sealer(KEY).seal(b"secret", b"")
    after = Sealer(OTHER_KEY, [KEY])

    assert after.open(sealed, b"") == b"secret"
    with pytest.raises(SealBroken):
        Sealer(KEY).open(after.seal(b"secret", b""), b"")


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(b"short")
