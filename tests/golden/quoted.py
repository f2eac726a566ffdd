"""A trade worked out by hand from four quoted lines of the vendor's file, and its check."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.golden.by_hand import Row, Trade, mean


@dataclass(frozen=True)
class Quoted:
    """The figures of one trade, written down; texts are exact decimals.

    signal, entry, exit_signal, exit : lines of the file: the bar that crosses and the bar whose open fills, twice.
    averages  : fast and slow average one row before the signal, then on it. exit_averages: likewise at the exit.
    equity    : before the trade. opens: raw prices of the fills. Money in dollars.
    """

    number: int
    signal: str
    entry: str
    exit_signal: str
    exit: str
    averages: tuple[str, str, str, str]
    exit_averages: tuple[str, str, str, str]
    equity: str
    close: str
    quantity: int
    opens: tuple[str, str]
    entry_price: str
    exit_price: str
    gross: str
    fees: str
    slippage: str
    dividends: str
    net: str


def check_by_hand(
    rows: Sequence[Row], quoted: Quoted, *, fast: int = 20, slow: int = 100, leverage: int = 1
) -> None:
    """The quoted lines are in the file, cross where they should, and give the quoted figures by plain arithmetic."""
    rows = list(rows)
    at = {row.line: i for i, row in enumerate(rows)}
    for line, averages, upward in (
        (quoted.signal, quoted.averages, True),
        (quoted.exit_signal, quoted.exit_averages, False),
    ):
        i = at[line]
        found = [mean(rows, k, length) for k in (i - 1, i) for length in (fast, slow)]
        assert found == [Decimal(text) for text in averages]
        was, now = found[0] - found[1], found[2] - found[3]
        assert (was <= 0 < now) if upward else (was >= 0 > now)
    # Filled on the row after the one that crossed; what may lie between them is the calendar's.
    assert at[quoted.entry] == at[quoted.signal] + 1
    assert at[quoted.exit] == at[quoted.exit_signal] + 1

    d, q = Decimal, Decimal(quoted.quantity)
    bought, sold = map(d, quoted.opens)
    assert rows[at[quoted.signal]].close == d(quoted.close)
    assert (rows[at[quoted.entry]].buys, rows[at[quoted.exit]].sells) == (bought, sold)
    # All equity in whole units at the signal's close, or less where the fill costs more than the account has.
    fee = max(q * d("0.005"), d(1))
    affordable = (d(quoted.equity) - fee) / d(quoted.entry_price) * leverage
    assert q == int(min(d(quoted.equity) / d(quoted.close), affordable))
    assert d(quoted.entry_price) == bought + bought / 10_000
    assert d(quoted.exit_price) == sold - sold / 10_000
    assert d(quoted.gross) == (sold - bought) * q
    assert d(quoted.fees) == 2 * fee
    assert d(quoted.slippage) == (bought + sold) / 10_000 * q
    assert d(quoted.net) == d(quoted.gross) - d(quoted.fees) - d(quoted.slippage) + d(quoted.dividends)


def check_engine(trade: dict[str, object], quoted: Quoted, rows: Sequence[Row]) -> None:
    """The engine's trade is the quoted one: its hours, its prices to eight decimals, its money to the cent."""
    at = {row.line: row.at for row in rows}
    told = re.fullmatch(r"SMA\(20\) (\S+) crossed above SMA\(100\) (\S+)", trade["entry_reason"])
    for shown, average in zip(told.groups(), map(Decimal, quoted.averages[2:]), strict=True):
        assert abs(Decimal(shown) - average) <= Decimal("0.005")
    assert trade["entry_at"] == at[quoted.entry]
    assert trade["exit_at"] == at[quoted.exit]
    assert (trade["side"], trade["exit_reason"], trade["quantity"]) == ("long", "signal", quoted.quantity)
    for name in ("entry_price", "exit_price"):
        assert f"{trade[name]:.8f}" == f"{Decimal(getattr(quoted, name)):.8f}", name
    money = {
        "gross_pnl": quoted.gross,
        "fees": quoted.fees,
        "slippage": quoted.slippage,
        "dividends": quoted.dividends,
        "net_pnl": quoted.net,
    }
    for name, text in money.items():
        assert abs(trade[name] - float(text)) < 1e-6, name


FIGURES = ("entry_price", "exit_price", "gross_pnl", "fees", "slippage", "dividends", "net_pnl")


def canonical(trades: Sequence[dict[str, object]]) -> str:
    """A trade list as CSV, one line a trade: prices and money to eight decimals, which hold them exactly."""
    lines = [",".join(("trade_id", "side", "quantity", "entry_at", "exit_at", "exit_reason", *FIGURES))]
    for trade in trades:
        cells = [str(trade["trade_id"]), trade["side"], f"{trade['quantity']:.0f}"]
        cells += [f"{trade[name]:%Y-%m-%dT%H:%MZ}" for name in ("entry_at", "exit_at")]
        figures = [round(trade[name], 8) + 0 for name in FIGURES]  # + 0 turns -0.0 into 0.0
        cells += [trade["exit_reason"], *(f"{figure:.8f}" for figure in figures)]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def canonical_by_hand(trades: Sequence[Trade]) -> str:
    """The list of `by_hand.crossover_trades`; all of them are long and closed by the signal."""
    return canonical(
        [
            {
                "trade_id": i,
                "side": "long",
                "quantity": t.quantity,
                "entry_at": t.entry.at,
                "exit_at": t.exit.at,
                "exit_reason": "signal",
                "entry_price": t.entry_price,
                "exit_price": t.exit_price,
                "gross_pnl": t.gross,
                "fees": t.fees,
                "slippage": t.slippage,
                "dividends": t.dividends,
                "net_pnl": t.net,
            }
            for i, t in enumerate(trades)
        ]
    )
