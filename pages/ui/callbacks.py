"""A newer click waits until what the one before it asked for is done.

Streamlit looks for newer clicks at almost every call of `st`, and ends the script there to begin anew. Within a
callback that loses something: the callback is dropped at its first look at `st.session_state`, and the next run takes
its widget for unchanged. Who typed a stop and saved at once, on a busy server, saved the stop from before.
"""

from __future__ import annotations

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_run_context import RunLocation, ThreadState

_look_for_newer = ScriptRunner._maybe_handle_execution_control_request


def finish_first() -> None:
    """Let callbacks of this process end before a newer click is looked for, as Streamlit does right after them.

    There is no option for it (1.67, `SessionState._run_callback_and_record_rerun`): hence the changed method.
    """
    ScriptRunner._maybe_handle_execution_control_request = _look_unless_in_callback


def _look_unless_in_callback(runner: ScriptRunner) -> None:
    if not _is_in_callback():
        _look_for_newer(runner)


def _is_in_callback() -> bool:
    try:
        return ThreadState.get().run_location is RunLocation.CALLBACK
    except RuntimeError:  # a thread that runs no script
        return False
