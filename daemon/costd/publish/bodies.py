"""The body of a request, within its limits of size and time."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_BODY = 1024 * 1024
# What is read and thrown away, so that a client which still writes its body gets to
# read why it was refused.
MOST_DRAINED = 8 * MOST_BODY
BODY_SECONDS = 5.0


async def read_limited(request: Request) -> bytes:
    """All of it.

    Raises:
        HTTPException: it is too large, or does not come.
    """
    body = bytearray()
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MOST_DRAINED:
                    break
                if size <= MOST_BODY:
                    body += chunk
    except TimeoutError:
        raise _hang_up(408, "the body did not come in time") from None
    if size > MOST_BODY:
        raise _hang_up(413, "the body is too large")
    return bytes(body)


def _hang_up(status: int, message: str) -> HTTPException:
    return HTTPException(status, message, {"connection": "close"})
