"""What an exception of any kind means to a caller: turns it into a ``Problem``, and lets no text of it through."""

from google.protobuf.message import DecodeError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from runtime.coalescer import CoalescerClosed, Overloaded
from services.errors import Problem, Violation

_SQL_STATES = {
    "08": "UNAVAILABLE",  # connection lost
    "53": "UNAVAILABLE",  # disk full, too many connections
    "57": "UNAVAILABLE",  # shutting down, starting up
    "58": "UNAVAILABLE",  # input/output error
    "40": "UNAVAILABLE",  # serialization failure, deadlock: the transaction may simply be run again
    "55": "UNAVAILABLE",  # somebody holds the lock for too long
    "25006": "UNAVAILABLE",  # read-only: a standby that is about to be promoted
    "57014": "DEADLINE_EXCEEDED",  # statement_timeout
    "25P03": "DEADLINE_EXCEEDED",  # idle_in_transaction_session_timeout
    "22021": "INVALID_REQUEST",  # a character that no text column holds
}
_TOLD = {
    "UNAVAILABLE": "the database does not answer at the moment",
    "DEADLINE_EXCEEDED": "the call took too long and did nothing",
    "INVALID_REQUEST": "a text contains a character that cannot be stored",
    "METHOD_NOT_SERVED": "the method is not served",
    "OVERLOADED": "too many calls wait already",
    "SHUTTING_DOWN": "this process is shutting down",
}


def problem_of(error: BaseException, method: str, request_id: str) -> Problem:
    """The problem that the caller is told. What is not known to be harmless is INTERNAL and says nothing."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, DecodeError):
        unreadable = Violation("", "the bytes are not a message of the method's request type", "decode")
        return Problem("INVALID_REQUEST", unreadable.description, violations=(unreadable,))
    reason = _reason(error)
    if reason == "INTERNAL":
        return Problem("INTERNAL", "something broke on our side", {"request_id": request_id})
    metadata = {"METHOD_NOT_SERVED": {"method": method}, "OVERLOADED": {"limit": "queue"}}.get(reason, {})
    return Problem(reason, _TOLD[reason], metadata)


def _reason(error: BaseException) -> str:
    if isinstance(error, NotImplementedError):  # a servicer without the method: what generated code raises
        return "METHOD_NOT_SERVED"
    if isinstance(error, Overloaded):
        return "OVERLOADED"
    if isinstance(error, CoalescerClosed):
        return "SHUTTING_DOWN"
    if isinstance(error, PoolTimeout | OSError):  # TimeoutError and ConnectionError are OSErrors
        return "UNAVAILABLE"
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "UNAVAILABLE"
    # SQLAlchemy wraps the driver's errors, except those of connecting.
    state = str(getattr(getattr(error, "orig", error), "sqlstate", None) or "")
    return _SQL_STATES.get(state) or _SQL_STATES.get(state[:2]) or "INTERNAL"
