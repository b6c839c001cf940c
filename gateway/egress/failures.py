"""Why an outgoing request came to nothing, as a small family of facts; each text may be shown to the tenant."""


class EgressFailed(Exception):
    """There is no answer. The text is a sentence without addresses of ours, credentials or bodies."""


class BadUrl(EgressFailed):
    """It is no http or https address that we would send to; no name was looked up."""


class BadHeader(EgressFailed):
    """A header cannot be sent, or is one that only the client itself may set."""


class Blocked(EgressFailed):
    """The address lies where this deployment does not connect; nothing was connected."""


class Unreachable(EgressFailed):
    """No such name, no connection, no trust in the certificate, or no HTTP in the answer."""


class TimedOut(EgressFailed):
    """The connection or the whole answer took longer than it may."""


class TooLarge(EgressFailed):
    """The answer has more bytes than asked for."""
