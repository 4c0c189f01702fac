"""Small questions to a part that may be up: does it listen, does it answer."""

import asyncio

from deploy.local.parts import NotReady

_PATIENCE_S = 3.0


async def listens(host: str, port: int) -> None:
    """Raise `NotReady` unless something accepts connections there."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        raise NotReady(f"nothing listens on {host}:{port}") from None
    writer.close()


async def answers(host: str, port: int, path: str) -> None:
    """Raise `NotReady` unless a GET answers 200. Plain HTTP/1.0: no client library is needed for that."""
    request = f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n"
    try:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request.encode())
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        raise NotReady(f"{path} does not answer") from None
    if status.split()[1:2] != [b"200"]:
        raise NotReady(f"{path} says {status.decode('latin-1').strip() or 'nothing'}")
