"""The normal distribution: density, distribution, and the scaled error function that has no underflow."""

from __future__ import annotations

import math

SQRT_2 = math.sqrt(2.0)
SQRT_2PI = math.sqrt(2.0 * math.pi)
SQRT_HALF_PI = math.sqrt(0.5 * math.pi)
INV_SQRT_PI = 1.0 / math.sqrt(math.pi)


def pdf(z: float) -> float:
    """Density of the standard normal."""
    return math.exp(-0.5 * z * z) / SQRT_2PI


def cdf(z: float) -> float:
    """Distribution function of the standard normal, accurate to the last digits in the left tail too."""
    return 0.5 * math.erfc(-z / SQRT_2)


def cdf_of(z: float, density: float) -> float:
    """`cdf` of z whose `pdf` is known already: no second exponential."""
    tail = density * mills(-abs(z))
    return tail if z < 0.0 else 1.0 - tail


def erfcx(x: float) -> float:
    """exp(x^2) erfc(x) for x >= -2: relative error below 1e-15 for x >= 0.

    Cody (1969), "Rational Chebyshev approximations for the error function", Mathematics of Computation 23(107),
    631-637; the coefficients are those of his CALERF.
    """
    y = abs(x)
    if y <= 0.46875:
        z = y * y
        top = ((0.185777706184603153 * z + 3.16112374387056560) * z + 113.864154151050156) * z
        top = (top + 377.485237685302021) * z + 3209.37758913846947
        bottom = ((z + 23.6012909523441209) * z + 244.024637934444173) * z
        bottom = (bottom + 1282.61652607737228) * z + 2844.23683343917062
        return math.exp(z) * (1.0 - x * top / bottom)
    if y <= 4.0:
        top = (2.15311535474403846e-8 * y + 0.564188496988670089) * y + 8.88314979438837594
        top = ((top * y + 66.1191906371416295) * y + 298.635138197400131) * y + 881.952221241769090
        top = ((top * y + 1712.04761263407058) * y + 2051.07837782607147) * y + 1230.33935479799725
        bottom = ((y + 15.7449261107098347) * y + 117.693950891312499) * y + 537.181101862009858
        bottom = ((bottom * y + 1621.38957456669019) * y + 3290.79923573345963) * y + 4362.61909014324716
        bottom = (bottom * y + 3439.36767414372164) * y + 1230.33935480374942
        scaled = top / bottom
    else:
        z = 1.0 / (y * y)
        top = ((0.0163153871373020978 * z + 0.305326634961232344) * z + 0.360344899949804439) * z
        top = ((top + 0.125781726111229246) * z + 0.0160837851487422766) * z + 6.58749161529837803e-4
        bottom = ((z + 2.56852019228982242) * z + 1.87295284992346047) * z
        bottom = ((bottom + 0.527905102951428412) * z + 0.0605183413124413191) * z + 2.33520497626869185e-3
        scaled = (INV_SQRT_PI - z * top / bottom) / y
    return scaled if x > 0.0 else 2.0 * math.exp(x * x) - scaled


def mills(z: float) -> float:
    """cdf(z) / pdf(z), for z <= 2.8: Mills' ratio of the left tail, about 1 / |z| far out, never zero."""
    return SQRT_HALF_PI * erfcx(-z / SQRT_2)
