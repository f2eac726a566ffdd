"""Shares of variance: small tables by hand, and what must hold for any table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.sweep.filters import Between
from engine.sweep.importance import importance
from tests.sweep.test_results import SHARPE, written

PROPERTIES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def of(store, axes, sharpe, filters=(), sweep_id="ab" * 8):
    with written(store, axes, {"sharpe": sharpe}, sweep_id) as results:
        return importance(results, SHARPE, filters)


def shares(found):
    return {one.param: one.share for one in found.effects}


def test_a_table_of_two_by_two_by_hand(store):
    # y = 1, 2, 3, 6 over (a, b) = (1,1) (1,2) (2,1) (2,2): mean 3, variance (4 + 1 + 0 + 9) / 4 = 3.5
    # means by a 1.5, 4.5: variance 2.25; by b 2, 4: variance 1; left for both 3.5 - 2.25 - 1 = 0.25
    found = of(store, {"a": [1, 2], "b": [1, 2]}, [1, 2, 3, 6])
    assert shares(found) == pytest.approx({"param.a": 2.25 / 3.5, "param.b": 1 / 3.5})
    assert [(one.first, one.second) for one in found.interactions] == [("param.a", "param.b")]
    assert found.interactions[0].share == pytest.approx(0.25 / 3.5)
    assert found.is_balanced
    assert found.rest == pytest.approx(0.0, abs=1e-12)
    assert [one.param for one in found.effects] == ["param.a", "param.b"], "largest first"


def test_a_table_of_two_by_three_without_interaction_by_hand(store):
    # y = a + b over a in 0, 3 and b in 0, 1, 2: variances 2.25 and 2/3, and nothing is left for both
    found = of(store, {"a": [0, 3], "b": [0, 1, 2]}, [0, 1, 2, 3, 4, 5])
    total = 2.25 + 2 / 3
    assert shares(found) == pytest.approx({"param.a": 2.25 / total, "param.b": (2 / 3) / total})
    assert found.interactions[0].share == pytest.approx(0.0, abs=1e-12)


def test_an_effect_that_only_both_have_together_is_an_interaction(store):
    found = of(store, {"a": [0, 1], "b": [0, 1]}, [0, 1, 1, 0])
    assert shares(found) == pytest.approx({"param.a": 0.0, "param.b": 0.0}, abs=1e-12)
    assert found.interactions[0].share == pytest.approx(1.0)


def test_undefined_configs_are_left_out_counted_and_make_it_unbalanced(store):
    # without the last config: y = 1, 2, 3: mean 2, variance 2/3; means by a 1.5 (two), 3 (one): variance 0.5
    found = of(store, {"a": [1, 2], "b": [1, 2]}, [1, 2, 3, math.nan])
    assert (found.n, found.n_undefined, found.is_balanced) == (3, 1, False)
    assert shares(found)["param.a"] == pytest.approx(0.75)


def test_infinite_values_are_left_out_too(store):
    assert of(store, {"a": [1, 2, 3]}, [1, math.inf, 3]).n == 2


def test_only_configs_that_pass_count(store):
    with written(store, {"a": [1, 2], "b": [1, 2, 3]}, {"sharpe": [1, 2, 9, 4, 6, 9]}) as results:
        found = importance(results, SHARPE, [Between("param.b", None, 2)])
    assert found.n == 4
    assert found.is_balanced, "a filter that keeps whole values keeps a full grid"


def test_texts_and_truths_are_categories_without_direction(store):
    found = of(store, {"side": ["long", "short"], "open": [False, True]}, [1, 1, 2, 2])
    assert shares(found) == pytest.approx({"param.side": 1.0, "param.open": 0.0}, abs=1e-12)
    assert all(math.isnan(one.direction) for one in found.effects)


@pytest.mark.parametrize("sharpe", [[1.0, 1.0, 1.0, 1.0], [math.nan] * 4, [0.1 + 0.2, 0.3, 0.3, 0.3]])
def test_a_metric_that_does_not_vary_has_no_shares(store, sharpe):
    found = of(store, {"a": [1, 2], "b": [1, 2]}, sharpe)
    assert (found.effects, found.interactions) == ((), ())


def test_one_parameter_explains_all_of_it(store):
    found = of(store, {"a": [1, 2, 3]}, [3, 1, 2])
    assert shares(found) == pytest.approx({"param.a": 1.0})
    assert found.interactions == ()


def test_the_direction_is_spearmans_with_ties(store):
    from scipy.stats import spearmanr

    rng = np.random.default_rng(3)
    sharpe = rng.integers(0, 6, 20).astype(float)
    found = of(store, {"a": [4, 1, 3, 2], "b": [1, 2, 3, 4, 5]}, sharpe)
    values = {"param.a": np.repeat([4, 1, 3, 2], 5), "param.b": np.tile([1, 2, 3, 4, 5], 4)}
    for one in found.effects:
        assert one.direction == pytest.approx(spearmanr(values[one.param], sharpe).statistic)


def test_of_many_parameters_pairs_of_the_first_eight_are_looked_at(store):
    axes = {f"p{k}": [0, 1] for k in range(9)}
    found = of(store, axes, np.random.default_rng(0).normal(size=512))
    assert len(found.interactions) == 28
    assert found.n_left_out == 1


tables = st.tuples(st.integers(1, 4), st.integers(2, 4), st.integers(1, 3), st.integers(0, 2**32 - 1))


@PROPERTIES
@given(tables)
def test_on_a_full_grid_shares_lie_in_0_to_1_and_add_up_to_1_at_most(store, table):
    *sizes, seed = table
    axes = {f"p{k}": list(range(n)) for k, n in enumerate(sizes)}
    y = np.random.default_rng(seed).normal(size=int(np.prod(sizes)))
    found = of(store, axes, y, sweep_id=f"{abs(hash(table)):016x}"[:16])
    told = [one.share for one in (*found.effects, *found.interactions)]
    assert all(0.0 <= share <= 1.0 for share in told)
    assert sum(one.share for one in found.effects) <= 1.0 + 1e-9
    assert sum(told) <= 1.0 + 1e-9
    assert found.is_balanced


@PROPERTIES
@given(tables)
def test_neither_the_order_of_values_nor_scale_and_place_of_the_metric_change_a_share(store, table):
    *sizes, seed = table
    rng = np.random.default_rng(seed)
    y = rng.normal(size=sizes)
    orders = [rng.permutation(n) for n in sizes]
    axes = {f"p{k}": list(range(n)) for k, n in enumerate(sizes)}
    moved = {f"p{k}": order.tolist() for k, order in enumerate(orders)}
    key = f"{abs(hash(table)):015x}"[:15]
    plain = of(store, axes, y.ravel(), sweep_id=f"{key}a")
    other = of(store, moved, 3.0 * y[np.ix_(*orders)].ravel() - 7.0, sweep_id=f"{key}b")
    assert shares(other) == pytest.approx(shares(plain), abs=1e-9)
    ways = {one.param: one.direction for one in plain.effects}
    assert {one.param: one.direction for one in other.effects} == pytest.approx(ways, abs=1e-9, nan_ok=True)
