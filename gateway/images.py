"""Tells what kind of image some bytes are by how they begin; decodes nothing."""

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def media_type_of(image: bytes) -> str:
    """The media type; empty for what is no image that any browser shows safely. SVG is a program, not an image."""
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for beginning, media_type in _BEGINNINGS if image.startswith(beginning)), "")
