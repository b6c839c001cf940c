"""Owns the deployment's keys: from the environment, else kept in the data folder; knows nothing of their use."""

import hashlib
import hmac
import os
import secrets
from typing import NamedTuple

from cli.hub.folders import Folder, read_document, write_private
from cli.hub.problems import HubNotStarted


class Keys(NamedTuple):
    """`encryption_key` seals secrets in the database, `system_token` is what the processes call each other with."""

    encryption_key: str
    system_token: str

    @property
    def simulator_key(self) -> str:
        """What the carrier simulator is called with: the same as long as the system token is, and no way back to it."""
        return hmac.digest(self.system_token.encode(), b"carrier simulator", hashlib.sha256).hex()[:40]


def find_or_make(folder: Folder) -> Keys:
    """The keys of the environment, before those of the folder, before new ones, which are kept there."""
    told = Keys(os.environ.get("CROSSDOCK_ENCRYPTION_KEY", ""), os.environ.get("CROSSDOCK_SYSTEM_TOKEN", ""))
    if all(told):
        return told
    if folder.keys.exists():
        kept = _read(folder)
    else:
        if not told.encryption_key and (folder.postgres / "cluster").exists():
            raise HubNotStarted(
                f"{folder.keys} is missing, and the secrets in {folder.postgres} were sealed with the key in it: "
                "put it back, or give the key as CROSSDOCK_ENCRYPTION_KEY"
            )
        # The prefix is that of our tokens: logs blacken what begins with it.
        kept = Keys(secrets.token_hex(32), "xd_" + secrets.token_urlsafe(32))
        write_private(folder.keys, kept._asdict())
    return Keys(told.encryption_key or kept.encryption_key, told.system_token or kept.system_token)


def find_system_token(folder: Folder) -> str:
    """The system token of the environment or of the folder; empty when there is none."""
    document = read_document(folder.keys) or {}
    return os.environ.get("CROSSDOCK_SYSTEM_TOKEN") or str(document.get("system_token", ""))


def _read(folder: Folder) -> Keys:
    document = read_document(folder.keys) or {}
    kept = Keys(str(document.get("encryption_key", "")), str(document.get("system_token", "")))
    if not all(kept):
        raise HubNotStarted(f"{folder.keys} cannot be read: it must be JSON with encryption_key and system_token")
    return kept
