"""The error tree: one class, one meaning; each message tells the operator what to do.

AnchorboltError
├── InvalidSettingsError      a setting is missing or wrong: the app does not start
├── ListenersError            the module that LISTENERS names cannot be used
├── RoutesError               what ROUTES names cannot be served, or its startup failed
├── PortTakenError            something else listens on a port that we were told to use
├── StoreError
│   ├── StoreUnavailableError the database cannot be reached or cannot write: nothing was stored
│   ├── StoreUnknownError     the outcome of a commit is not known: it may have been stored
│   ├── StoreRefusedError     the database refused a statement: a row that it cannot hold, a right that is missing
│   ├── StoreLockedError      another process serves from this SQLite file
│   ├── PoolerError           a pooler stands before the PostgreSQL, and no setting says so
│   ├── NoInboxError          there is no SQLite file yet
│   └── SchemaError           the schema is too old, or newer and not compatible
├── SocketError
│   ├── SlackUnreachableError no connection of Socket Mode could be had: tried again, soon
│   └── SlackRefusesError     Slack wants none of us, and says why in `word`: tried again, seldom
├── RefusedError              bad input; answered with `status` and the stable word `word`
├── NotInstalledError         Slack gave no tokens for a code: the user is told, nothing was stored
├── UndecryptableError        a stored text cannot be decrypted with TOKEN_KEYS
│   └── NoKeyError            its key is not in TOKEN_KEYS of this process; another one may have it
└── RunError
    ├── AckTimeoutError       a listener did not acknowledge in time: Slack was told of a failure, nothing goes on
    ├── RunTimeoutError       a run took longer than RUN_TIMEOUT_SECONDS: a failed attempt
    ├── NotAwaitedError       a listener called say(), client.chat_postMessage() or the like without await
    ├── NotAuthorizedError    Slack refused our token for this delivery: a failed attempt
    │   └── TokenKeyError     this process has not the key of the token: a failed attempt, perhaps not elsewhere
    └── TokenExpiredError     a workspace's token has expired, and no new one came in time: a failed attempt
"""

from __future__ import annotations

from collections.abc import Sequence


class AnchorboltError(Exception):
    """Everything that this app raises by itself."""


class InvalidSettingsError(AnchorboltError):
    """A setting is missing or wrong; `problems` holds a line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class ListenersError(AnchorboltError):
    """A module that LISTENERS names cannot be imported, has no app, or has what cannot run; `problems` names each."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class RoutesError(AnchorboltError):
    """What ROUTES names cannot be imported or served, or its startup failed."""


class PortTakenError(AnchorboltError):
    """Something else listens on `port`; `setting` names what chooses it."""

    def __init__(self, port: int, setting: str) -> None:
        super().__init__(f"port {port} is taken: end what listens there, or choose another with {setting}")
        self.port = port
        self.setting = setting


class StoreError(AnchorboltError):
    """The inbox's database did not do what was asked."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached or cannot write; nothing was stored."""


class StoreUnknownError(StoreError):
    """The connection broke around a commit; whether it was stored is settled by the key, later."""


class StoreRefusedError(StoreError):
    """The database is there and refused a statement; nothing of its group was stored."""


class StoreLockedError(StoreError):
    """Another process serves from this SQLite file."""


class PoolerError(StoreError):
    """A pooler stands before the PostgreSQL, and DATABASE_LISTEN_URL does not say so."""


class NoInboxError(StoreError):
    """There is no SQLite file yet, and who only looks makes none."""


class SchemaError(StoreError):
    """The schema is too old for this app, or newer and marked as incompatible."""


class SocketError(AnchorboltError):
    """There is no connection of Socket Mode. `wait_seconds`: what Slack asked us to wait, when it did."""

    wait_seconds: float | None = None


class SlackUnreachableError(SocketError):
    """Slack could not be reached, or did not greet us."""

    def __init__(self, what: str, wait_seconds: float | None = None) -> None:
        super().__init__(f"Slack cannot be reached: {what}; look at the network, HTTPS_PROXY and SLACK_API_URL")
        self.wait_seconds = wait_seconds


class SlackRefusesError(SocketError):
    """Slack's own word for why, and what to do about it."""

    def __init__(self, word: str, advice: str) -> None:
        super().__init__(f"Slack refuses a connection of Socket Mode ({word}): {advice}")
        self.word = word


class RefusedError(AnchorboltError):
    """Bad input, or input at a bad time: answered with `status` and JSON that holds `word`; nothing was done."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(f"{status} {word}")
        self.status = status
        self.word = word

    def copy(self) -> RefusedError:
        """Returns the same refusal without its traceback, which holds the request, to be kept or to be raised again.

        A constant is never raised itself: Python would add to its traceback each time, and nothing would let go of the
        bodies in there.
        """
        return type(self)(self.status, self.word)


class NotInstalledError(AnchorboltError):
    """Slack gave no tokens for the code of an installation. `word`: Slack's own, or one of ours."""

    def __init__(self, word: str, what: str) -> None:
        super().__init__(f"{what} ({word})")
        self.word = word


class UndecryptableError(AnchorboltError):
    """A stored text cannot be decrypted: its key is not in TOKEN_KEYS, or it was changed or moved."""


class NoKeyError(UndecryptableError):
    """The key of a stored text is not in TOKEN_KEYS of this process. While keys are changed another one has it."""


class RunError(AnchorboltError):
    """A run did not end well, and no listener said why."""


class AckTimeoutError(RunError):
    """A listener did not acknowledge by the deadline, and was cancelled."""


class RunTimeoutError(RunError):
    """A run took longer than RUN_TIMEOUT_SECONDS."""


class NotAwaitedError(RunError):
    """A call that sends something when it is awaited, and that nobody awaited. `place`: its file and line."""

    def __init__(self, call: str, place: str) -> None:
        super().__init__(f"{call} was called without await at {place}, and did nothing: write `await {call[:-1]}...)`")
        self.call = call
        self.place = place


class NotAuthorizedError(RunError):
    """Slack did not accept our token for this delivery, so its listener never ran."""


class TokenKeyError(NotAuthorizedError):
    """The token for this delivery was encrypted with a key that this process does not have; no other token acts."""


class TokenExpiredError(RunError):
    """The token of a workspace or a user has expired, and Slack gave no new one in time: tried again, soon."""


# Exit codes of every command. `MISTAKEN`: the call or the settings are wrong, LISTENERS included.
FAILED = 1
MISTAKEN = 2
MISTAKES = (InvalidSettingsError, ListenersError, RoutesError)

# What ends the process or a generator. No listener has failed of it, and nobody but Python handles it.
ENDS_THE_PROCESS = (KeyboardInterrupt, SystemExit, GeneratorExit)


def as_exception(error: BaseException) -> Exception:
    """Returns the error itself, or a RunError for what is no Exception, such as a BaseExceptionGroup."""
    if isinstance(error, Exception):
        return error
    failure = RunError(f"{type(error).__name__} was raised").with_traceback(error.__traceback__)
    failure.__cause__ = error
    return failure
