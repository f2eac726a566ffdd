"""The truth tables, on the plain and on the compiled form of each kernel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.signals import kernels

NAN = np.nan
T, F, U = 1, 0, -1


def forms(kernel):
    return pytest.mark.parametrize("impl", [kernel, kernel.py_func], ids=["compiled", "plain"])


def mask(*values):
    return np.array(values, dtype=np.int8)


def run(impl, *columns, n_out=1):
    n = len(columns[0])
    outs = [np.full(n, 9, dtype=np.int8) for _ in range(n_out)]
    impl(*columns, *outs)
    return outs[0].tolist() if n_out == 1 else [o.tolist() for o in outs]


@forms(kernels.all_of)
def test_false_dominates_all_then_undefined(impl):
    # Kleene (1952), strong three-valued conjunction: the minimum under false < undefined < true
    order = {F: 0, U: 1, T: 2}
    pairs = list(itertools.product((T, F, U), repeat=2))
    got = run(impl, mask(*[a for a, _ in pairs]), mask(*[b for _, b in pairs]))
    assert got == [min(pair, key=order.__getitem__) for pair in pairs]


@forms(kernels.any_of)
def test_true_dominates_any_then_undefined(impl):
    # disjunction: the maximum under false < undefined < true
    order = {F: 0, U: 1, T: 2}
    pairs = list(itertools.product((T, F, U), repeat=2))
    got = run(impl, mask(*[a for a, _ in pairs]), mask(*[b for _, b in pairs]))
    assert got == [max(pair, key=order.__getitem__) for pair in pairs]


@forms(kernels.not_of)
def test_not_undefined_is_undefined(impl):
    assert run(impl, mask(T, F, U)) == [F, T, U]


@forms(kernels.less)
def test_a_comparison_with_nan_is_undefined(impl):
    a, b = np.array([1.0, 2.0, 3.0, NAN, 1.0, NAN]), np.array([2.0, 2.0, 2.0, 2.0, NAN, NAN])
    assert run(impl, a, b) == [T, F, F, U, U, U]


@forms(kernels.less_equal)
def test_less_or_equal_holds_on_equality(impl):
    assert run(impl, np.array([1.0, 2.0, 3.0, NAN]), np.full(4, 2.0)) == [T, T, F, U]


@forms(kernels.equal)
def test_equal_is_exact(impl):
    a = np.array([2.0, np.nextafter(2.0, 3.0), NAN])
    assert run(impl, a, np.full(3, 2.0)) == [T, F, U]


@forms(kernels.between_numbers)
def test_between_includes_both_ends(impl):
    assert run(impl, np.array([0.9, 1.0, 1.5, 2.0, 2.1, NAN]), 1.0, 2.0) == [F, T, T, T, F, U]


@forms(kernels.strictly_between_numbers)
def test_strictly_between_excludes_both_ends(impl):
    assert run(impl, np.array([1.0, 1.5, 2.0, NAN]), 1.0, 2.0) == [F, T, F, U]


@forms(kernels.crosses)
def test_a_cross_needs_to_be_above_now_and_not_before(impl):
    # rows:          first  up   stay  touch  up again (equality before counts as not above)  down  NaN  after NaN
    a = np.array([1.0, 3.0, 4.0, 2.0, 3.0, 1.0, NAN, 5.0, 1.0])
    b = np.full(9, 2.0)
    above, below = run(impl, a, b, n_out=2)
    assert above == [U, T, F, F, T, F, U, U, F]
    assert below == [U, F, F, F, F, T, U, U, T]


@forms(kernels.crosses)
def test_leaving_equality_upwards_is_a_cross_and_reaching_it_is_not(impl):
    above, below = run(impl, np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]), n_out=2)
    assert above == [U, F, T]
    assert below == [U, F, F]


@forms(kernels.crosses_number)
def test_a_cross_of_a_number_is_the_cross_of_a_constant_column(impl):
    a = np.random.default_rng(1).integers(0, 5, 200).astype(float)
    a[::17] = NAN
    expected = [np.empty(200, dtype=np.int8) for _ in range(2)]
    kernels.crosses.py_func(a, np.full(200, 2.0), *expected)
    assert run(impl, a, 2.0, n_out=2) == [e.tolist() for e in expected]


@forms(kernels.take_float)
def test_nothing_known_yet_is_nan(impl):
    out = np.empty(3)
    impl(np.array([5.0, 6.0]), np.array([-1, 0, 1]), out)
    np.testing.assert_array_equal(out, [NAN, 5.0, 6.0])


@forms(kernels.take_int8)
def test_nothing_known_yet_is_undefined(impl):
    out = np.empty(3, dtype=np.int8)
    impl(mask(T, F), np.array([-1, 0, 1]), out)
    assert out.tolist() == [U, T, F]


def test_empty_columns_stay_empty():
    empty, out = np.empty(0), np.empty(0, dtype=np.int8)
    kernels.crosses(empty, empty, out, out.copy())
    kernels.crosses_number(empty, 1.0, out, out.copy())
    assert len(out) == 0
