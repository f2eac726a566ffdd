"""What a visitor reads where Argus itself fails; the log has the traceback."""

from __future__ import annotations

from streamlit.elements import exception

WORDS = (
    "Argus has a fault here, and its log has the details. What was saved is kept. Load the page anew; if that does "
    "not help, go on with another page and tell whoever runs this server."
)


def told_in_own_words() -> None:
    """Streamlit's words speak of a cloud that is not there, and there is no option for them (1.67)."""
    exception._GENERIC_UNCAUGHT_EXCEPTION_TEXT = WORDS  # type: ignore[misc]
