"""How examples look under a command's `--help`; knows no command."""


def examples(*shown: tuple[str, str]) -> str:
    """An epilog of pairs: what it is for, and what to type."""
    blocks = [f"[dim]# {what}[/dim]\n\n[cyan]{_plain(typed)}[/cyan]" for what, typed in shown]
    return "[bold]Examples[/bold]\n\n" + "\n\n".join(blocks)


def _plain(typed: str) -> str:
    return typed.replace("[", "\\[")
