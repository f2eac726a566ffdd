"""Many people at once: sessions that speak the browser's side of Streamlit's protocol, without browsers.

A session opens a page and then reruns it as a person would: the next page of a table, another order, a filter. A
rerun takes from the message that asks for it to the message that the script has finished, with everything between
received. Twenty Chromiums on two cores would measure Chromium.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

THINK_S = 2.0  # on average between two reruns of one person
Field = Literal[
    "int_value", "bool_value", "string_value", "string_array_value", "double_value", "trigger_value"
]


@dataclass(frozen=True)
class Touch:
    """One thing that a person does: gives the widget with this key one of these values."""

    key: str
    field: Field
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Visited:
    """A page as sessions use it. `query` is one of several, so that not all look at the same."""

    name: str
    queries: tuple[str, ...]
    touches: tuple[Touch, ...]  # those whose widget is not on the page are passed over


@dataclass
class Session:
    """One person: an open connection, the widgets seen, and the values given to them."""

    socket: ClientConnection
    rng: random.Random
    page: Visited
    query: str
    ids: dict[str, str] = field(default_factory=dict)
    given: dict[str, tuple[Field, Any]] = field(default_factory=dict)
    page_hash: str = ""

    async def rerun(self) -> float:
        """Ask and wait; milliseconds."""
        began = time.perf_counter()
        await self.socket.send(self._message())
        while True:
            told = ForwardMsg()
            told.ParseFromString(bytes(await self.socket.recv(decode=False)))
            kind = told.WhichOneof("type")
            if kind == "new_session":
                self.page_hash = told.new_session.page_script_hash
            elif kind == "delta":
                self._note(told)
            elif kind == "script_finished" and told.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
            ):
                return (time.perf_counter() - began) * 1e3

    def touch(self) -> None:
        """Change one widget that is on the page."""
        known = [touch for touch in self.page.touches if touch.key in self.ids]
        if known:
            chosen = self.rng.choice(known)
            self.given[chosen.key] = (chosen.field, self.rng.choice(chosen.values))

    def _message(self) -> bytes:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self.page_hash
        state.page_name = "" if self.page_hash else self.page.name
        state.context_info.timezone, state.context_info.color_scheme = "UTC", "light"
        for key, (kind, value) in self.given.items():
            if key in self.ids:
                one = state.widget_states.widgets.add()
                one.id = self.ids[key]
                if kind == "string_array_value":
                    one.string_array_value.data.extend(value)
                else:
                    setattr(one, kind, value)
        return bytes(message.SerializeToString())

    def _note(self, told: ForwardMsg) -> None:
        """Remember a widget's id by its key, which is the id's end."""
        element = told.delta.new_element
        kind = element.WhichOneof("type")
        widget = getattr(getattr(element, kind), "id", "") if kind else ""
        for touch in self.page.touches:
            if widget.endswith(f"-{touch.key}"):
                self.ids[touch.key] = widget


@dataclass(frozen=True)
class Reruns:
    """Milliseconds of one page under load, and of the first look of each session."""

    n: int
    p50: float
    p95: float
    worst: float
    opening_p50: float


def measure(address: str, pages: Sequence[Visited], n_sessions: int, seconds: float) -> dict[str, Reruns]:
    """Each page by itself with all the sessions."""
    return {page.name: asyncio.run(_crowd(address, page, n_sessions, seconds)) for page in pages}


async def _crowd(address: str, page: Visited, n_sessions: int, seconds: float) -> Reruns:
    people = [_person(address, page, i, seconds) for i in range(n_sessions)]
    seen = await asyncio.gather(*people)
    opened, reruns = sorted(one[0] for one in seen), sorted(ms for one in seen for ms in one[1])
    return Reruns(
        len(reruns), _quantile(reruns, 0.5), _quantile(reruns, 0.95), reruns[-1], _quantile(opened, 0.5)
    )


async def _person(address: str, page: Visited, i: int, seconds: float) -> tuple[float, list[float]]:
    rng = random.Random(i)
    await asyncio.sleep(rng.uniform(0, THINK_S))  # they do not all come at once
    url = address.replace("http://", "ws://") + "/_stcore/stream"
    async with connect(url, subprotocols=["streamlit"], max_size=None, compression=None) as socket:  # type: ignore[list-item]
        session = Session(socket, rng, page, page.queries[i % len(page.queries)])
        opening, times, ends = await session.rerun(), [], time.monotonic() + seconds
        while time.monotonic() < ends:
            await asyncio.sleep(rng.uniform(0.5, 1.5) * THINK_S)
            session.touch()
            times.append(await session.rerun())
    return opening, times


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
