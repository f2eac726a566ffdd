"""How the browser gets Streamlit's own files."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from pages.ui import delivery, shell
from pages.ui.delivery import STATIC, Delivery

CHART = next((STATIC / "static" / "js").glob("EChartsChart.*.js")).name
STYLES = next((STATIC / "static" / "css").glob("*.css")).name


def asked(path, *, query=b"", client="127.0.0.1", method="GET", **headers):
    """What the middleware sends for a request: (status, headers, body), or None where it leaves it to Streamlit."""
    sent, passed = [], []

    async def send(message):
        sent.append(message)

    async def streamlit(scope, receive, send):
        passed.append(scope["path"])

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "client": (client, 1),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(Delivery(streamlit)(scope, None, send))
    if passed:
        return None
    start, body = sent
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"]


def test_the_page_names_the_parts_it_will_need_and_the_server():
    _, headers, body = asked("/tearsheet", query=b"run=6ead")
    assert (
        f'<link rel="modulepreload" fetchpriority="low" crossorigin href="./static/js/{CHART}">'.encode()
        in body
    )
    assert b"BACKEND_BASE_URL" in body
    assert headers["cache-control"] == "no-cache"
    added = body.decode().partition("window.__streamlit")[2]
    assert 'rel="stylesheet"' not in added, "it would hold up the first paint"


def test_every_part_is_in_the_manifest_of_this_streamlit():
    for name in (*delivery.PARTS, *delivery.CHARTS):
        assert [file for file in delivery._files_of((name,)) if f"/{name}." in file], name


def test_every_file_that_the_page_names_is_there():
    _, _, body = asked("/tearsheet", query=b"run=6ead")
    names = [text.split('"')[0] for text in body.decode().split('href="./')[1:] if "service-desc" not in text]
    assert len(names) > 50
    assert not [name for name in names if name.startswith("static/") and not (STATIC / name).is_file()]


@pytest.mark.parametrize(
    ("path", "query", "has_chart"),
    [("/runs", b"page=2", False), ("/runs", b"compare=a&compare=b", True), ("/sweeps", b"", False),
     ("/sweeps", b"sweep=d0a2", True), ("/home", b"", False)],
)  # fmt: skip
def test_only_a_page_that_begins_with_a_chart_loads_what_draws_it(path, query, has_chart):
    assert (CHART.encode() in asked(path, query=query)[2]) == has_chart
    assert b"PlotlyChart" not in asked(path, query=query)[2], "4.7 MB, for what is opened later"


@pytest.mark.parametrize("file", [file for file, _, _ in shell.SHOWN])
def test_every_page_is_known(file):
    assert asked(f"/{file.removesuffix('.py')}") is not None


@pytest.mark.parametrize(
    "path", ["/_stcore/health", "/_stcore/host-config", "/nothing", "/static/js/none.js", "/media/x.csv",
             "/static/../../../../../etc/passwd", "/static/js/../../index.html", "//static/js/" + CHART],
)  # fmt: skip
def test_all_else_is_left_to_streamlit(path):
    assert asked(path) is None


def test_requests_with_conditions_and_other_methods_are_left_to_streamlit():
    assert asked(f"/static/js/{CHART}", range="bytes=0-9") is None
    assert asked(f"/static/js/{CHART}", if_none_match='"x"') is None
    assert asked(f"/static/js/{CHART}", method="HEAD") is None


def test_a_file_is_sent_whole_and_kept_by_the_browser():
    _, headers, body = asked(f"/static/js/{CHART}", accept_encoding="gzip, br")
    assert body == (STATIC / "static" / "js" / CHART).read_bytes()
    assert "immutable" in headers["cache-control"]
    assert "content-encoding" not in headers, "on one machine, unpacking costs more than it saves"


def test_over_a_network_it_is_packed():
    _, headers, body = asked(f"/static/css/{STYLES}", client="192.0.2.7", accept_encoding="gzip, br")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == (STATIC / "static" / "css" / STYLES).read_bytes()
    assert "content-encoding" not in asked(f"/static/css/{STYLES}", client="192.0.2.7")[1]


def test_below_a_base_path_pages_and_files_are_found(monkeypatch):
    monkeypatch.setattr(delivery, "_base", lambda: "/desk")
    assert b'location.origin+"/desk/"' in asked("/desk/runs")[2]
    assert asked(f"/desk/static/css/{STYLES}") is not None
    assert asked("/runs") is None


def test_what_a_listening_socket_accepts_sends_at_once():
    import socket

    with socket.socket() as listening, socket.socket() as browser:  # no protocol named, as Streamlit does
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        asyncio.run(Delivery(_nothing)({"type": "lifespan"}, None, None))
        browser.connect(listening.getsockname())
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not browser.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), "others are left as they are"


async def _nothing(scope, receive, send):
    pass
