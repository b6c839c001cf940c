"""placeholder"""

EXAMPLES = ""


def demo() -> None:
    pass
