"""What is known of errors that another attempt may get past, by the names, statuses and codes of the libraries.

Names are as a user of a library writes them: a class that is defined in a submodule has them too.
"""

from __future__ import annotations

import errno

TRANSIENT = frozenset({
    # the standard library; other errors of the operating system are decided by their errno
    "builtins.ConnectionError", "builtins.TimeoutError", "builtins.InterruptedError", "builtins.BlockingIOError",
    "socket.gaierror", "ssl.SSLEOFError", "ssl.SSLZeroReturnError", "ssl.SSLSyscallError",
    "asyncio.IncompleteReadError", "http.client.RemoteDisconnected", "http.client.IncompleteRead",
    "http.client.BadStatusLine",
    # ours: the database is away; Slack refuses our token for every delivery alike (docs/decisions/0008); a new token
    # comes late (docs/decisions/0097)
    "anchorbolt.errors.StoreUnavailableError", "anchorbolt.errors.StoreUnknownError",
    "anchorbolt.errors.NotAuthorizedError", "anchorbolt.errors.TokenExpiredError",
    # HTTP clients
    "aiohttp.ClientConnectionError", "aiohttp.ClientPayloadError", "aiohttp.ServerTimeoutError",
    "slack_sdk.errors.SlackClientNotConnectedError",
    "httpx.TransportError", "httpx2.TransportError",
    "httpcore.NetworkError", "httpcore.TimeoutException", "httpcore.RemoteProtocolError",
    "requests.ConnectionError", "requests.Timeout", "requests.exceptions.ChunkedEncodingError",
    "urllib3.exceptions.PoolError", "urllib3.exceptions.TimeoutError", "urllib3.exceptions.ProtocolError",
    # language models
    "openai.APIConnectionError", "anthropic.APIConnectionError",
    # AWS: its throttling is told by a code, see _of_aws
    "botocore.exceptions.HTTPClientError", "botocore.exceptions.ConnectionError",
    # databases
    "redis.exceptions.ConnectionError", "redis.exceptions.TimeoutError", "redis.exceptions.TryAgainError",
    "redis.exceptions.ClusterDownError", "redis.exceptions.ReadOnlyError",
    "psycopg.OperationalError", "psycopg2.OperationalError",
    "asyncpg.PostgresConnectionError", "asyncpg.TooManyConnectionsError", "asyncpg.AdminShutdownError",
    "asyncpg.CrashShutdownError", "asyncpg.CannotConnectNowError", "asyncpg.TransactionRollbackError",
    "asyncpg.LockNotAvailableError",
    "sqlalchemy.exc.OperationalError", "sqlalchemy.exc.TimeoutError", "sqlalchemy.exc.DisconnectionError",
})  # fmt: skip

# Subclasses of the above that another attempt does not get past: a certificate, an address or a password is wrong.
PERMANENT = frozenset({
    "ssl.SSLCertVerificationError", "aiohttp.ClientConnectorCertificateError", "aiohttp.InvalidURL",
    "httpx.UnsupportedProtocol", "httpx.LocalProtocolError",
    "httpx2.UnsupportedProtocol", "httpx2.LocalProtocolError", "requests.exceptions.SSLError",
    "botocore.exceptions.SSLError",
    "redis.exceptions.AuthenticationError", "redis.exceptions.AuthorizationError",
    "openai.APIResponseValidationError", "anthropic.APIResponseValidationError",
})  # fmt: skip

# The connection was not made, so the request did not reach the other side.
NOT_SENT = frozenset({
    "builtins.ConnectionRefusedError", "socket.gaierror", "aiohttp.ClientConnectorError",
    "aiohttp.ConnectionTimeoutError",
})  # fmt: skip

TRANSIENT_ERRNOS = frozenset(
    getattr(errno, name)
    for name in (
        *("ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "EPIPE", "ESHUTDOWN", "ENOTCONN", "ETIMEDOUT"),
        *("EHOSTUNREACH", "EHOSTDOWN", "ENETUNREACH", "ENETDOWN", "ENETRESET", "EADDRNOTAVAIL"),
        *("EAGAIN", "EALREADY", "EINPROGRESS", "EINTR", "ENOBUFS", "EMFILE", "ENFILE", "ESTALE"),
    )
)
# 408 Request Timeout, 425 Too Early, 429 Too Many Requests; and all from 500 on.
TRANSIENT_STATUSES = frozenset({408, 425, 429})
# Their `code` is the status of an answer; elsewhere a `code` may mean anything.
STATUS_IN_CODE = frozenset({"urllib.error.HTTPError", "google.api_core.exceptions.GoogleAPICallError"})
GRPC_CODES = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"})
# https://github.com/boto/botocore/blob/develop/botocore/retries/standard.py
AWS_CODES = frozenset({
    "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
    "RequestTimeout", "RequestTimeoutException", "SlowDown", "ThrottledException", "Throttling",
    "ThrottlingException", "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip
# SQLITE_BUSY and SQLITE_LOCKED; extended codes have more above the lowest byte: https://www.sqlite.org/rescode.html
SQLITE_CODES = (5, 6)
