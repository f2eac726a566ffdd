"""Which quotes stand, what they mark, what fills on them (semantics §4)."""

import math

import pytest

from engine.trade.chain import Quote
from engine.trade.quotes import buy_price, mark_of, middle, modelled_offer, offer, sell_price, standing
from tests.fixtures.chain_view import NOW, Board, rules_for

NAN = math.nan
MINUTE = 60_000_000_000
FILTERS = rules_for([{"right": "PUT"}]).filters


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def test_a_side_stands_until_it_is_older_than_allowed():
    quote = Quote(1.0, 1.2, NOW - 5 * MINUTE, NOW - 6 * MINUTE)
    bid, ask = standing(quote, NOW, 5 * MINUTE)
    assert bid == 1.0
    assert math.isnan(ask)


@pytest.mark.parametrize(
    ("bid", "ask", "mark"),
    [
        (1.0, 1.2, 1.1),
        (0.0, 0.3, 0.15),  # a zero bid is a bid of zero
        (NAN, 0.3, 0.15),  # without a bid half the ask
        (1.0, NAN, NAN),
        (1.2, 1.1, NAN),  # crossed
        (1.1, 1.1, 1.1),  # locked is not crossed
        (NAN, 0.0, NAN),  # nobody asks for nothing
    ],
)
def test_marks(bid, ask, mark):
    assert same(middle(bid, ask), mark)


@pytest.mark.parametrize(
    ("bid", "ask", "fill_at", "buys", "sells"),
    [
        (1.0, 1.2, 1.0, 1.2, 1.0),
        (1.0, 1.2, 0.0, 1.1, 1.1),
        (1.0, 1.2, 0.5, 1.15, 1.05),
        (0.0, 0.2, 0.5, 0.15, NAN),  # nobody buys at nothing
        (NAN, 0.2, 0.0, 0.2, NAN),  # a lone ask is the only price known
        (1.0, NAN, 0.0, NAN, 1.0),
        (1.3, 1.2, 1.0, NAN, NAN),
    ],
)
def test_a_buy_needs_an_ask_a_sale_a_bid_and_crossed_fills_nothing(bid, ask, fill_at, buys, sells):
    assert same(round(buy_price(bid, ask, fill_at), 9), buys)
    assert same(round(sell_price(bid, ask, fill_at), 9), sells)


@pytest.mark.parametrize(("bid", "ask"), [(0.0, 0.05), (NAN, 0.05)])
def test_a_long_leg_that_nobody_bids_for_is_sold_at_nothing_on_exit_and_not_on_entry(bid, ask):
    quote = Quote(bid, ask, NOW, NOW)
    assert offer(quote, is_buy=False, is_exit=True, now=NOW, rules=FILTERS).price == 0.0
    assert offer(quote, is_buy=False, is_exit=False, now=NOW, rules=FILTERS) is None


def test_a_contract_that_nobody_quotes_at_all_is_not_given_away():
    assert offer(Quote(), is_buy=False, is_exit=True, now=NOW, rules=FILTERS) is None
    crossed = Quote(0.10, 0.05, NOW, NOW)
    assert offer(crossed, is_buy=False, is_exit=True, now=NOW, rules=FILTERS) is None


def test_around_a_print_half_of_a_modelled_spread_is_paid():
    # 4 % of 2.00 is 0.08: 2.04 and 1.96. Of 0.10 it is under the least of 0.02: 0.11 and 0.09. Never below nothing.
    assert modelled_offer(2.0, NOW, True, FILTERS).price == pytest.approx(2.04)
    assert modelled_offer(2.0, NOW, False, FILTERS).price == pytest.approx(1.96)
    assert modelled_offer(0.10, NOW, True, FILTERS).price == pytest.approx(0.11)
    assert modelled_offer(0.005, NOW, False, FILTERS).price == 0.0


def test_of_prints_the_last_one_marks_however_old_and_says_so():
    board = Board()
    board.has_quotes = False
    one = board.put(95, 4)
    board._quotes[one] = Quote(print_price=1.5, print_at=NOW - 6 * MINUTE)
    assert mark_of(board, one, NOW, 5 * MINUTE) == (1.5, False)
    assert mark_of(board, one, NOW, 6 * MINUTE) == (1.5, True)
