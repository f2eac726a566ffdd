"""How the browser gets the app: Streamlit's own files from memory, and told early which of them a page needs.

The page that Streamlit sends is the same for every address. Its scripts ask where the server is, run the app's script
over there, and only when its first elements arrive are the parts that draw tables, charts and inputs asked for, some
seventy files one after another. Here the page names them from the start, and says where the server is.
`docs/decisions/082-what-a-first-visit-costs.md` has the figures.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import gzip
import json
import mimetypes
import socket
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import shell

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

STATIC = Path(st.__file__).with_name("static")
# What pages are made of, by the names in Streamlit's manifest; a part that a later Streamlit calls otherwise is
# loaded when it is needed, as all were before.
PARTS = ("Html", "Selectbox", "Multiselect", "Checkbox", "DataFrame", "Pagination", "DownloadButton")
CHARTS = ("EChartsChart",)
# Pages that begin with a chart, and the parameter of their address that says so
WITH_CHARTS = {"tearsheet": b"run=", "sweeps": b"sweep=", "data": b"series=", "runs": b"compare="}
LIFETIME = "public, immutable, max-age=31536000"  # the names hold a hash of the content
WORTH_PACKING = 1_000  # bytes
CONDITIONS = {
    b"range",
    b"if-none-match",
    b"if-modified-since",
}  # requests with one are for Streamlit to answer


class Delivery:
    """ASGI middleware; what it does not know goes to Streamlit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pages = {"", *(file.removesuffix(".py") for file, _, _ in shell.SHOWN)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            send_at_once()
        if scope["type"] == "http" and scope["method"] == "GET":
            path, headers = _below_base(scope["path"]), dict(scope["headers"])
            if path in self._pages:
                asks = WITH_CHARTS.get(path)
                body = _page(asks is not None and asks in scope["query_string"], _base())
                await _answer(send, body, "text/html; charset=utf-8", "no-cache")
                return
            if path and path in _assets() and not CONDITIONS & set(headers):
                await _send_asset(send, path, packed=_wants_packed(scope, headers))
                return
        await self._app(scope, receive, send)


def send_at_once() -> None:
    """Let connections of this process's listening sockets send small parts at once.

    Streamlit opens its socket without naming the protocol (1.67, `_bind_socket`), so asyncio does not know its
    connections for TCP and leaves Nagle's algorithm on: the body of an answer, and all but the first of a script's
    messages, wait for the browser to acknowledge what came before, 40 ms on Linux. Connections inherit the option from
    the socket that listens, which nobody hands out: hence the search.
    """
    for one in gc.get_objects():
        if (
            type(one) is socket.socket
            and one.fileno() >= 0
            and one.family in (socket.AF_INET, socket.AF_INET6)
        ):
            with contextlib.suppress(OSError):  # another kind of socket, or closed meanwhile
                if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def _send_asset(send: Send, path: str, *, packed: bool) -> None:
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    if packed and kind.startswith("text/") and len(_content(path)) >= WORTH_PACKING:
        body = await asyncio.to_thread(_packed, path)
        await _answer(send, body, kind, LIFETIME, (b"content-encoding", b"gzip"))
    else:
        await _answer(send, _content(path), kind, LIFETIME)


async def _answer(send: Send, body: bytes, kind: str, lifetime: str, *more: tuple[bytes, bytes]) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", lifetime.encode()),
        (b"vary", b"Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _wants_packed(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Over a network a third of the bytes is worth unpacking; on this machine it is not."""
    client = (scope.get("client") or ("",))[0]
    return client not in ("127.0.0.1", "::1") and b"gzip" in headers.get(b"accept-encoding", b"")


def _base() -> str:
    """'' or '/name' where a proxy serves the app below a name (server.baseUrlPath)."""
    name = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{name}" if name else ""


def _below_base(path: str) -> str | None:
    """'/desk/runs' -> 'runs' where the base is '/desk'; None for what lies elsewhere."""
    base = _base()
    return path.removeprefix(f"{base}/") if path.startswith(f"{base}/") else None


@cache
def _assets() -> frozenset[str]:
    """Files that may be sent from here, relative to STATIC: nothing else of a request's path is ever opened."""
    return frozenset(
        str(path.relative_to(STATIC).as_posix()) for path in (STATIC / "static").rglob("*") if path.is_file()
    )


@cache
def _content(path: str) -> bytes:
    return (STATIC / path).read_bytes()


@cache
def _packed(path: str) -> bytes:
    return gzip.compress(_content(path), 6)


@cache
def _page(has_chart: bool, base: str) -> bytes:
    """Streamlit's page with what it would find out late."""
    page = (STATIC / "index.html").read_text("utf-8")
    files = dict.fromkeys(_files_of(PARTS + (CHARTS if has_chart else ())))
    # Low priority: the app itself comes first. A stylesheet would hold up the first paint; preloaded it does not.
    hints = "".join(
        f'<link rel="{"preload" if name.endswith(".css") else "modulepreload"}" {"as=style " * name.endswith(".css")}'
        f'fetchpriority="low" crossorigin href="./{name}">'
        for name in files
        if name not in page
    )
    # Without it the browser takes /runs for a folder, asks for a server below it, and waits before it asks again.
    where = f'<script>window.__streamlit={{BACKEND_BASE_URL:location.origin+"{base}/"}}</script>'
    return page.replace("</head>", f"{where}{hints}</head>").encode()


def _files_of(names: tuple[str, ...]) -> Iterator[str]:
    """The files of parts and of all they import, by Streamlit's manifest; none where it has no such part."""
    try:
        manifest: dict[str, Any] = json.loads((STATIC / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return
    waiting = [key for key, part in manifest.items() if part.get("name") in names]
    seen: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key not in seen and key in manifest:
            seen.add(key)
            yield manifest[key]["file"]
            yield from manifest[key].get("css", ())
            waiting.extend(manifest[key].get("imports", ()))
