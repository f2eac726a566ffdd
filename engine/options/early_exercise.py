"""American options on an underlying with a continuous yield: the exercise boundary, and the value of early exercise.

A put is worth its European value plus what exercising below the boundary B earns (Kim 1990; tau years left, T now):

    V = p(S, T) + int_0^T r K exp(-r s) N(-d2(s, S / B(T - s))) - q S exp(-q s) N(-d1(s, S / B(T - s))) ds.

B is found as Andersen, Lake & Offengenden (2016), "High-Performance American Option Pricing", Journal of Computational
Finance 20(1), do: ln^2(B / X) is a Chebyshev polynomial in sqrt(tau), X = K min(1, r / q) its limit at expiry; it
starts from Li's (2010) QD+ approximation and is improved by sweeps of their fixed point "B",

    B(tau) = K exp((q - r) tau) N / D,   N = N(d2(tau, B / K)) + r int_0^tau exp(r u) N(d2(tau - u, B(tau) / B(u))) du,
                                         D = N(d1(tau, B / K)) + q int_0^tau exp(q u) N(d1(tau - u, B(tau) / B(u))) du.

Their fixed point "A" settles faster, but runs away where r / sigma^2 is large. Integrals are Gauss-Legendre sums in the
angle a with u = tau cos^2 a, which takes the square roots out of both ends: eight points do the work of thirty in u.
A call is the put with underlying and strike, rate and yield exchanged (McDonald & Schroder 1998).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.options.black import DAYS_A_YEAR, PER_POINT, bsm_greeks, bsm_price, is_contract
from engine.options.normal import cdf, pdf

FloatArray = NDArray[np.float64]
NEWTON_STEPS = 30  # four to six are usual
NEWTON_SETTLED = 1e-7  # of the strike; coarser starts show as jumps of the price
VOLATILITY_BUMP = 0.002  # of the volatility; vega and rho are central differences
RATE_BUMP = 1e-4


class Scheme(NamedTuple):
    """How finely the boundary is known. All arrays float64.

    node         : (n + 1,) sqrt(tau / T) of the nodes, from 1 down to 0.
    to_polynomial: (n + 1, n + 1) Chebyshev coefficients from values at the nodes.
    inner_*      : (l,) sine, cosine and weight of the sums for the boundary.
    outer_*      : (p,) the same for the sum that gives the price.
    """

    sweeps: int
    node: FloatArray
    to_polynomial: FloatArray
    inner_sine: FloatArray
    inner_cosine: FloatArray
    inner_weight: FloatArray
    outer_sine: FloatArray
    outer_cosine: FloatArray
    outer_weight: FloatArray


@lru_cache(maxsize=8)
def scheme(n_nodes: int, sweeps: int, n_inner: int, n_outer: int) -> Scheme:
    """The tables of a scheme with n_nodes + 1 nodes; weights hold du = 2 tau sin a cos a da."""
    k = np.arange(n_nodes + 1)
    cosines = np.cos(np.outer(k, k) * np.pi / n_nodes)
    halved = np.where((k == 0) | (k == n_nodes), 0.5, 1.0)
    return Scheme(
        sweeps,
        0.5 * (1.0 + np.cos(k * np.pi / n_nodes)),
        np.ascontiguousarray(2.0 / n_nodes * cosines * halved[:, None] * halved[None, :]),
        *_quarter_turn(n_inner),
        *_quarter_turn(n_outer),
    )


def _quarter_turn(n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sine, cosine and weight x 2 sine cosine of Gauss-Legendre points on 0..pi/2."""
    point, weight = np.polynomial.legendre.leggauss(n)
    angle = 0.25 * np.pi * (1.0 + point)
    sine, cosine = np.sin(angle), np.cos(angle)
    return sine, cosine, 0.5 * np.pi * weight * sine * cosine


def chebyshev(coefficient, z):
    """Value at z in -1..1 of a Chebyshev series, by Clenshaw's recurrence."""
    after, last = 0.0, 0.0
    for k in range(len(coefficient) - 1, 0, -1):
        after, last = coefficient[k] + 2.0 * z * after - last, after
    return coefficient[0] + z * after - last


def critical_start(strike, years, rate, dividend_yield, volatility, guess):
    """QD+ estimate of the put's boundary `years` before expiry, for rate > 0.

    Barone-Adesi & Whaley's (1987) equation by Newton, then two steps with Li's correction c0 of its exponent, taken at
    the last estimate; more of them need not settle. Li (2010), "Analytical approximations for the critical stock prices
    of American options", Review of Derivatives Research 13.
    """
    total = volatility * math.sqrt(years)
    discount, carry = math.exp(-rate * years), math.exp(-dividend_yield * years)
    h = -math.expm1(-rate * years)
    alpha = 2.0 * rate / (volatility * volatility)
    omega = 2.0 * (rate - dividend_yield) / (volatility * volatility) - 1.0
    root = math.sqrt(omega * omega + 4.0 * alpha / h)
    exponent = -0.5 * (omega + root)
    best, correction, settled = guess, 0.0, 0
    for _ in range(NEWTON_STEPS):
        d1 = (math.log(best / strike) + (rate - dividend_yield) * years) / total + 0.5 * total
        below, gone = carry * cdf(-d1), discount * strike * cdf(total - d1)
        gap = strike - best - gone + best * below  # what exercise pays above the European value
        density = carry * pdf(d1)
        if settled > 0:
            decay = (
                rate * gone
                - dividend_yield * best * below
                - 0.5 * best * density * volatility / math.sqrt(years)
            )
            bend = 2.0 * exponent + omega
            if rate * gap * bend == 0.0:
                return best
            change = 1.0 / h - decay / (discount * rate * gap) + alpha / (h * h * root * bend)
            correction = -(1.0 - h) * alpha / bend * change
        power = exponent + correction
        slope = (1.0 - power) * (1.0 - below) + density / total
        after = best - (best * (1.0 - below) + power * gap) / slope
        if not 0.0 < after < strike:
            after = 0.5 * best if after <= 0.0 else best
        settled += 1 if settled > 0 or abs(after - best) < NEWTON_SETTLED * strike else 0
        best = after
        if settled == 3:
            return best
    return best


def exercise_boundary(strike, years, rate, dividend_yield, volatility, scheme, boundary, coefficient):
    """Fill the put's boundary at the nodes and its Chebyshev coefficients; both float64 (n + 1,). Returns X.

    boundary    : ln(X / B) >= 0 at `scheme.node`.
    coefficient : of ln^2(X / B) over z = 2 sqrt(tau / T) - 1.
    """
    limit = strike * min(1.0, rate / dividend_yield) if dividend_yield > 0.0 else strike
    n = len(boundary)
    guess = limit * 0.999
    boundary[n - 1] = 0.0
    for i in range(n - 2, -1, -1):
        left = years * scheme.node[i] * scheme.node[i]
        guess = min(
            critical_start(strike, left, rate, dividend_yield, volatility, guess), limit * 0.999999999
        )
        boundary[i] = math.log(limit / guess)
    fit(boundary, scheme.to_polynomial, coefficient)
    for _ in range(scheme.sweeps):
        for i in range(n - 1):
            boundary[i] = improved(
                boundary[i],
                strike,
                years,
                scheme.node[i],
                rate,
                dividend_yield,
                volatility,
                limit,
                scheme,
                coefficient,
            )
        fit(boundary, scheme.to_polynomial, coefficient)
    return limit


def fit(boundary, to_polynomial, coefficient):
    """Chebyshev coefficients of the squares of `boundary`."""
    for k in range(len(coefficient)):
        total = 0.0
        for i in range(len(boundary)):
            total += to_polynomial[k, i] * boundary[i] * boundary[i]
        coefficient[k] = total


def improved(below, strike, years, node, rate, dividend_yield, volatility, limit, scheme, coefficient):
    """The next ln(X / B) at a node, from fixed point B; the old one where the formula has no answer."""
    root = math.sqrt(years) * node
    left, total, drift = root * root, volatility * root, rate - dividend_yield
    d1 = (math.log(limit / strike) - below + drift * left) / total + 0.5 * total
    top, bottom = cdf(d1 - total), cdf(d1)
    for k in range(len(scheme.inner_sine)):
        since = root * scheme.inner_sine[k]
        cosine = scheme.inner_cosine[k]
        square = chebyshev(coefficient, 2.0 * node * cosine - 1.0)
        spread = volatility * since
        d1 = (math.sqrt(max(square, 0.0)) - below + drift * since * since) / spread + 0.5 * spread
        weight, at = left * scheme.inner_weight[k], left * cosine * cosine
        top += weight * rate * math.exp(rate * at) * cdf(d1 - spread)
        bottom += weight * dividend_yield * math.exp(dividend_yield * at) * cdf(d1)
    if not (top > 0.0 and bottom > 0.0):
        return below
    return max(math.log(limit / strike) + drift * left - math.log(top / bottom), 0.0)


def put_value(spot, strike, years, rate, dividend_yield, volatility, scheme, boundary, coefficient):
    """(value, delta, gamma) of an American put; rate > 0, volatility > 0, years > 0."""
    limit = exercise_boundary(strike, years, rate, dividend_yield, volatility, scheme, boundary, coefficient)
    above = math.log(spot / limit)
    if above <= -boundary[0]:
        return strike - spot, -1.0, 0.0
    value = bsm_price(False, spot, strike, years, rate, dividend_yield, volatility)
    delta, gamma, _, _, _ = bsm_greeks(False, spot, strike, years, rate, dividend_yield, volatility)
    root, drift = math.sqrt(years), rate - dividend_yield
    for k in range(len(scheme.outer_sine)):
        since = root * scheme.outer_sine[k]
        later = since * since
        square = chebyshev(coefficient, 2.0 * scheme.outer_cosine[k] - 1.0)
        spread = volatility * since
        d1 = (above + math.sqrt(max(square, 0.0)) + drift * later) / spread + 0.5 * spread
        d2 = d1 - spread
        weight = years * scheme.outer_weight[k]
        earned = weight * rate * strike * math.exp(-rate * later)
        given = weight * dividend_yield * math.exp(-dividend_yield * later)
        value += earned * cdf(-d2) - given * spot * cdf(-d1)
        delta += given * (pdf(d1) / spread - cdf(-d1)) - earned * pdf(d2) / (spot * spread)
        gamma += earned * pdf(d2) * (1.0 + d2 / spread) / (spot * spot * spread)
        gamma += given * pdf(d1) * (1.0 - d1 / spread) / (spot * spread)
    if value <= strike - spot:  # just above the boundary the sums may fall short by their error
        return strike - spot, -1.0, 0.0
    return value, delta, gamma


def american_value(
    is_call, spot, strike, years, rate, dividend_yield, volatility, scheme, boundary, coefficient
):
    """(value, delta, gamma) of an American option.

    At expiry the intrinsic value, without volatility what the best certain moment pays; delta and gamma are NaN there.
    NaN for what no contract can be, and where both waiting costs and exercising costs (yield < rate <= 0 for a put,
    rate < yield <= 0 for a call): the boundary is then two.
    """
    if not (is_contract(spot, strike, years, rate, dividend_yield) and volatility >= 0.0):
        return math.nan, math.nan, math.nan
    if years == 0.0 or volatility == 0.0:
        return certain_value(is_call, spot, strike, years, rate, dividend_yield), math.nan, math.nan
    gain, loss = (dividend_yield, rate) if is_call else (rate, dividend_yield)
    if gain <= 0.0 and loss < gain:
        return math.nan, math.nan, math.nan
    if gain <= 0.0:  # nothing is gained by exercise
        value = bsm_price(is_call, spot, strike, years, rate, dividend_yield, volatility)
        delta, gamma, _, _, _ = bsm_greeks(is_call, spot, strike, years, rate, dividend_yield, volatility)
        return value, delta, gamma
    if not is_call:
        return put_value(spot, strike, years, rate, dividend_yield, volatility, scheme, boundary, coefficient)
    value, delta, gamma = put_value(
        strike, spot, years, dividend_yield, rate, volatility, scheme, boundary, coefficient
    )
    # The put's value is of first degree in (underlying, strike): Euler's theorem gives the other derivatives.
    return value, (value - strike * delta) / spot, gamma * strike * strike / (spot * spot)


def certain_value(is_call, spot, strike, years, rate, dividend_yield):
    """What exercise pays at the best moment when the underlying moves as its carry says: now, at expiry or between."""
    sign = 1.0 if is_call else -1.0
    best = max(0.0, sign * (spot - strike))
    best = max(best, sign * (spot * math.exp(-dividend_yield * years) - strike * math.exp(-rate * years)))
    if rate > 0.0 and dividend_yield > 0.0 and rate != dividend_yield:
        at = math.log(dividend_yield * spot / (rate * strike)) / (dividend_yield - rate)
        if 0.0 < at < years:
            best = max(best, sign * (spot * math.exp(-dividend_yield * at) - strike * math.exp(-rate * at)))
    return best


def american_greeks(
    is_call, spot, strike, years, rate, dividend_yield, volatility, scheme, boundary, coefficient
):
    """(delta, gamma, vega, theta, rho) of an American option, in the units of `black.bsm_greeks`.

    theta follows from the equation that every value obeys before exercise, theta = r V - (r - q) S delta
    - sigma^2 S^2 gamma / 2, and is 0 where exercise is due; vega and rho are central differences of values.
    """
    value, delta, gamma = american_value(
        is_call, spot, strike, years, rate, dividend_yield, volatility, scheme, boundary, coefficient
    )
    if not gamma >= 0.0:
        return math.nan, math.nan, math.nan, math.nan, math.nan
    if gamma == 0.0 and abs(delta) == 1.0:
        return delta, 0.0, 0.0, 0.0, 0.0
    theta = rate * value - (rate - dividend_yield) * spot * delta
    theta -= 0.5 * volatility * volatility * spot * spot * gamma
    bump = VOLATILITY_BUMP * volatility
    ends = [0.0, 0.0, 0.0, 0.0]
    for k in range(4):
        side = 1.0 if k % 2 == 0 else -1.0
        moved = volatility + side * bump if k < 2 else volatility
        paid = rate if k < 2 else rate + side * RATE_BUMP
        ends[k], _, _ = american_value(
            is_call, spot, strike, years, paid, dividend_yield, moved, scheme, boundary, coefficient
        )
    vega = (ends[0] - ends[1]) / (2.0 * bump) * PER_POINT
    rho = (ends[2] - ends[3]) / (2.0 * RATE_BUMP) * PER_POINT
    if math.isnan(rho):  # a rate of zero: below it there is no value
        rho = (ends[2] - value) / RATE_BUMP * PER_POINT
    return delta, gamma, vega, theta / DAYS_A_YEAR, rho
