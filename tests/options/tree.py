"""An independent American price: the binomial tree of Leisen & Reimer (1996), "Binomial Models for Option Valuation",
Applied Mathematical Finance 3, probabilities by Peizer & Pratt's second inversion, an odd number of steps."""

import math

import numpy as np


def american_tree(is_call, spot, strike, years, rate, dividend_yield, volatility, steps=2001):
    """Price by backward induction over `steps` (odd) steps."""
    step = years / steps
    total = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate - dividend_yield) * years) / total + 0.5 * total
    p, p_up = peizer_pratt(d1 - total, steps), peizer_pratt(d1, steps)
    growth = math.exp((rate - dividend_yield) * step)
    up, down = growth * p_up / p, growth * (1.0 - p_up) / (1.0 - p)
    discount = math.exp(-rate * step)
    k = np.arange(steps + 1)
    prices = spot * np.exp(k * math.log(up) + (steps - k) * math.log(down))
    sign = 1.0 if is_call else -1.0
    value = np.maximum(sign * (prices - strike), 0.0)
    for n in range(steps - 1, -1, -1):
        prices = prices[: n + 1] / down
        value = discount * (p * value[1 : n + 2] + (1.0 - p) * value[: n + 1])
        np.maximum(value, sign * (prices - strike), out=value)
    return float(value[0])


def peizer_pratt(z, n):
    """The probability whose binomial distribution with n steps matches the normal one at z."""
    inner = (z / (n + 1.0 / 3.0 + 0.1 / (n + 1.0))) ** 2 * (n + 1.0 / 6.0)
    return 0.5 + math.copysign(0.5 * math.sqrt(1.0 - math.exp(-inner)), z)
