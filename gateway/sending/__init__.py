"""An event's way out: leases subscriptions, writes and posts their messages, reports what became of them."""

from gateway.sending.sender import Sender, SendingSettings

__all__ = ["Sender", "SendingSettings"]
