import pytest
from crossdock.v1.proof_pb2 import Proof, ProofKind

from services.proofs.pictures import media_type_of, take

SIGNATURE = ProofKind.PROOF_KIND_SIGNATURE
PNG = b"\x89PNG\r\n\x1a\n and the rest"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0JFIF", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"RIFF\x10\x00\x00\x00WAVE", ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", ""),
        (b"<html>", ""),
        (b"\x89PNG", ""),
        (b"", ""),
    ],
)
def test_a_picture_is_known_by_its_first_bytes(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type


def test_a_picture_leaves_its_hash_and_true_media_type_behind() -> None:
    proof = Proof(kind=SIGNATURE, image=PNG, media_type="text/html", text="with love")

    taken, refused = take([proof])

    assert (taken[0].content, taken[0].media_type, refused) == (PNG, "image/png", [])
    assert proof == Proof(kind=SIGNATURE, image_sha256=taken[0].sha256.hex(), media_type="image/png", text="with love")


def test_what_is_no_picture_is_taken_out_and_told() -> None:
    proofs = [Proof(text="said"), Proof(kind=SIGNATURE, image=b"<html>")]

    taken, refused = take(proofs)

    assert (taken, refused) == ([], [1])
    assert proofs == [Proof(text="said"), Proof(kind=SIGNATURE)]
