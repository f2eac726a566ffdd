"""The words every other room uses: spec, instruments, sessions, bars, settings, errors."""
