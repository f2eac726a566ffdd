"""`python -m engine VERB`: refuses an untested Python in one line, then goes on in engine/environment.py.

This file parses under every Python since 2.7, so that an old one gets the sentence and not a syntax error.
"""

import sys

TESTED = ((3, 11), (3, 12), (3, 13))


def refusal(version):
    """The one line for a Python that Argus was not tested on, or None."""
    if tuple(version[:2]) in TESTED:
        return None
    tested = ", ".join("%d.%d" % minor for minor in TESTED)
    found = "%d.%d" % tuple(version[:2])
    return "Argus is tested on Python %s; this is %s. Run it with one of those." % (tested, found)


if __name__ == "__main__":
    line = refusal(sys.version_info)
    if line:
        sys.stderr.write(line + "\n")
        sys.exit(2)
    from engine.environment import main

    sys.exit(main(sys.argv[1:]))
