"""Names of widgets and URL parameters, so that pages, links and tests agree on them.

A name in lower case stands in the URL as it is: `/runs?symbol=SPY&min_sharpe=0.8`, `/tearsheet?run=ID&trade=12`.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

# Runs: each filter with the column that its choices come from
FILTERS = {
    "strategy": "slug",
    "symbol": "symbol",
    "timeframe": "timeframe",
    "source": "source",
    "engine": "engine",
    "sweep": "sweep_id",
    "status": "status",
}
BOUND = "min_"  # + metric, in the unit shown: percent for fractions
ORDER, ASCENDING, PAGE = "order", "ascending", "page"
COMPARE = "compare"
CLEAR_FILTERS, CLEAR_COMPARE, RUNS_CSV, RUNS_PARQUET, RUNS_TABLE = (
    "clear_filters", "clear_compare", "runs_csv", "runs_parquet", "runs_table",
)  # fmt: skip
COMPARED_CSV, COMPARED_HTML = "compared_csv", "compared_html"

# What a link names: /sweeps?sweep=ID, /sweeps?job=N, /specs?spec=HASH, /specs?draft=ID
SWEEP, JOB, SPEC, DRAFT = "sweep", "job", "spec", "draft"
NEW_SWEEP = "new"  # /sweeps?new=1

# Sweeps: /sweeps?sweep=ID&metric=Sharpe&chart=Map&keep=metric.sharpe:0.5..&config=17
METRIC, CHART, KEEP, CONFIG = "metric", "chart", "keep", "config"
OF_SWEEP = (SWEEP, JOB, KEEP, CONFIG)  # what its address says of a sweep beside its widgets
MAP_X, MAP_Y, MAP_HOW = "x", "y", "of_others"
LINES, ACROSS, UPWARDS, HISTOGRAMS = "sweep_lines", "sweep_across", "sweep_upwards", "sweep_histogram_columns"
SORT, RISING, CONFIGS_PAGE, CONFIG_COLUMNS = "sort", "rising", "configs_page", "config_columns"
SWEEPS_PAGE, SWEEPS_TABLE, CONFIGS_TABLE, NEIGHBOURS = (
    "sweeps_page",
    "sweeps_table",
    "configs_table",
    "neighbours",
)
START_NEW_SWEEP, SAVE_CONFIG, RUN_CONFIG, CONFIG_JOB = (
    "start_new_sweep",
    "save_config",
    "run_config",
    "config_job",
)

# Data: /data?series=lean/SPY/equity/1min&from=2013-10-04&to=2013-10-07, /data?part=import
SERIES, FROM, TO, YEAR, PART = "series", "from", "to", "year", "part"
FIND, OF, KIND, BARS, SERIES_ORDER, SERIES_PAGE = "find", "of", "kind", "bars", "sort", "series_page"
SERIES_TABLE, GAPS_PAGE, GAPS_CSV, CALENDAR = "series_table", "gaps_page", "gaps_csv", "calendar"
SPAN, GO_TO, EARLIER, LATER = "span", "go_to", "earlier", "later"
IMPORT_PATH, IMPORT_FILE, IMPORT_FORMAT, IMPORT_SYMBOLS, IMPORT_SOURCE, PREVIEW, IMPORT = (
    "import_path", "import_file", "import_format", "import_symbols", "import_source", "preview", "import",
)  # fmt: skip
DEMO, PACK, PACK_PAGE, BUILD_PACK, VERIFY_PACK = "make_demo", "pack", "pack_page", "build_pack", "verify_pack"
EXPORT, EXPORTED = "export_duckdb", "download_duckdb"

# Chains: /data?part=chains&chain=lean/TWX/1min&day=2014-06-05&at=15:30&expiry=2014-06-20
CHAIN, DAY, AT, EXPIRY, STRIKES, LOOK = "chain", "day", "at", "expiry", "strikes", "look"
AFTER_SPLIT = "after_split"  # a toggle: true in the address
CHAINS_TABLE, CHAIN_CSV, TO_CHAIN = "chains_table", "chain_csv", "to_chain"

# Trade calls: /data?part=calls&calls=gold_vip
CALLS, CALLS_PATH, CALLS_FILE = "calls", "calls_path", "calls_file"
IMPORT_CALLS, TRADE_CALLS = "import_calls", "trade_calls"

# Specs: /specs?spec=HASH&view=JSON, /specs?draft=ID&view=Form&form=Exits, /specs?find=rsi
VIEW, FORM_PART, OLD, NEW = "view", "form", "old", "new"
SPECS_PAGE, SPECS_TABLE, SPEC_FILES, SPEC_JSON = "specs_page", "specs_table", "spec_files", "spec_json"
SAVE_SPEC, RUN_SPEC, SWEEP_SPEC, EDIT_SPEC = "save_spec", "run_spec", "sweep_spec", "edit_spec"
DELETE_DRAFT, CONVERT_SPEC = "delete_draft", "convert_spec"
FIELD = "field_"  # + path of the field

# Tearsheet
RUN, TRADE = "run", "trade"
TRADE_ORDER, TRADE_REASON, TRADE_PAGE = "trades_by", "trades_left_by", "trades_page"
TRADES_TABLE, PREVIOUS, NEXT = "trades_table", "trade_previous", "trade_next"
CALLS_PAGE, CALLS_TABLE, CALL_ROWS = "calls_page", "calls_table", "call_rows"
ALL_METRICS, SKIPPED, ORIGIN, GRID_PART, OTHER_FILES, PAYOFF = (
    "all_metrics",
    "skipped",
    "origin",
    "grid_part",
    "other_files",
    "trade_payoff_open",
)  # folded: True while open


def listed(name: str) -> list[str]:
    """The values of a URL parameter, each once, in order."""
    return list(dict.fromkeys(st.query_params.get_all(name)))


def put_in_url(name: str, values: Sequence[str]) -> None:
    """Set a URL parameter, or take it away where there is nothing to say."""
    if values:
        st.query_params[name] = list(values)
    else:
        st.query_params.pop(name, None)


def from_url(name: str, options: Sequence[str], default: str) -> None:
    """Let the widget `name` show what the URL says, or the default; `to_url` is its on_change.

    For choices whose labels change: a bound widget writes its label into the URL.
    """
    asked = st.query_params.get(name, "")
    st.session_state[name] = asked if asked in options else default


def to_url(name: str) -> None:
    """Write what a widget was set to into the URL."""
    value = st.session_state[name]
    put_in_url(name, [value] if value else [])


def renewed(name: str) -> str:
    """The key of a table whose selection is set by us: a new key makes it start from its default again."""
    return f"{name}_{st.session_state.get(f'_{name}', 0)}"


def renew(name: str) -> None:
    st.session_state[f"_{name}"] = st.session_state.get(f"_{name}", 0) + 1


def take_up(form: str) -> None:
    """Give the fields of a form what they held when it was drawn last: Streamlit forgets a field that is not drawn."""
    for name, value in st.session_state.get(f"_{form}", {}).items():
        st.session_state.setdefault(name, value)


def hold(form: str, fields: Sequence[str], prefix: str) -> None:
    """Keep what `fields`, and those whose names begin with `prefix`, hold now; `take_up` gives it back."""
    names = [str(name) for name in st.session_state]
    drawn = [name for name in names if name in fields or name.startswith(prefix)]
    st.session_state[f"_{form}"] = {name: st.session_state[name] for name in drawn}
