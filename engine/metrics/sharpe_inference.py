"""What a Sharpe ratio is worth, given its sample and the search that found it.

Everywhere: Sharpe ratios per period of the returns (not annualised), skewness, and RAW kurtosis
(3 for normal returns). To annualise, multiply a Sharpe by sqrt(periods a year).
"""

from __future__ import annotations

import math
from statistics import NormalDist

from engine.core.errors import BadInput

EULER_MASCHERONI = 0.5772156649015329
_NORMAL = NormalDist()


def expected_max_sharpe(n_trials: float) -> float:
    """Expected largest of `n_trials` independent standard normal draws, in standard deviations.

    (1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e)), g being Euler-Mascheroni's constant.
    Exactly 0 for one trial, where the approximation does not hold. `n_trials` may be an effective
    number of independent trials and need not be whole.

    Bailey & Lopez de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5).
    """
    if not n_trials >= 1:
        raise BadInput(f"n_trials: {n_trials} is not a number of trials; give 1 or more")
    if n_trials == 1:
        return 0.0
    # -Phi^-1(p) in place of Phi^-1(1 - p): 1 - p loses its digits for a million trials and more.
    first = -_NORMAL.inv_cdf(1.0 / n_trials)
    second = -_NORMAL.inv_cdf(1.0 / (n_trials * math.e))
    return (1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second


def probabilistic_sharpe_ratio(
    sr: float, *, n_obs: float, skew: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Probability that the true Sharpe exceeds `benchmark`, given `sr` estimated from `n_obs` returns.

    Phi[(sr - benchmark) sqrt(n_obs - 1) / sqrt(1 - skew sr + (kurtosis - 1)/4 sr^2)].
    NaN with fewer than two returns or where the variance of the estimate is not positive.

    Bailey & Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2).
    """
    variance = _estimate_variance(sr, skew, kurtosis)
    if not n_obs >= 2 or not variance > 0.0 or math.isnan(benchmark):
        return math.nan
    return _normal_cdf((sr - benchmark) * math.sqrt(n_obs - 1.0) / math.sqrt(variance))


def deflated_sharpe_ratio(
    sr: float, *, variance: float, n_trials: float, n_obs: float, skew: float, kurtosis: float
) -> float:
    """Probability that the true Sharpe is above what the best of `n_trials` skill-less trials would show.

    PSR against the benchmark sqrt(variance) x expected_max_sharpe(n_trials); `variance` is that of the
    trials' Sharpes per period. NaN as `probabilistic_sharpe_ratio`, or for a negative variance.

    Bailey & Lopez de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5).
    """
    expected = expected_max_sharpe(n_trials)
    if not variance >= 0.0:
        return math.nan
    benchmark = math.sqrt(variance) * expected
    return probabilistic_sharpe_ratio(sr, n_obs=n_obs, skew=skew, kurtosis=kurtosis, benchmark=benchmark)


def min_backtest_length(n_trials: float, sr: float = 1.0) -> float:
    """Length of backtest below which `n_trials` skill-less trials are expected to show a best Sharpe of `sr`.

    (expected_max_sharpe(n_trials) / sr)^2, in periods of `sr`: an annualised Sharpe gives years, as in the
    paper, whose example is `sr` = 1. NaN unless sr > 0.

    Bailey, Borwein, Lopez de Prado & Zhu (2014), "Pseudo-Mathematics and Financial Charlatanism",
    Notices of the AMS 61(5).
    """
    expected = expected_max_sharpe(n_trials)
    return (expected / sr) ** 2 if sr > 0.0 else math.nan


def min_track_record_length(
    sr: float, *, skew: float, kurtosis: float, benchmark: float = 0.0, confidence: float = 0.95
) -> float:
    """Number of returns needed to say with `confidence` that the true Sharpe exceeds `benchmark`.

    1 + [1 - skew sr + (kurtosis - 1)/4 sr^2] (Phi^-1(confidence) / (sr - benchmark))^2; divide by the periods
    a year for years. NaN unless sr > benchmark: no length would do.

    Bailey & Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2).
    """
    if not 0.5 <= confidence < 1.0:
        raise BadInput(f"confidence: {confidence} is outside 0.5 to 1; 0.95 is usual")
    variance = _estimate_variance(sr, skew, kurtosis)
    if not sr > benchmark or not variance > 0.0:
        return math.nan
    return 1.0 + variance * (_NORMAL.inv_cdf(confidence) / (sr - benchmark)) ** 2


def _estimate_variance(sr: float, skew: float, kurtosis: float) -> float:
    """Variance of an estimated Sharpe times (n_obs - 1), for returns of any distribution (Mertens 2002)."""
    return 1.0 - skew * sr + (kurtosis - 1.0) / 4.0 * sr * sr


def _normal_cdf(x: float) -> float:
    # erfc keeps the digits of small probabilities; 1 + erf would round them away below 1e-16.
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
