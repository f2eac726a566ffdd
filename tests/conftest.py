"""What holds for every test."""

from hypothesis import settings

settings.register_profile("argus", deadline=None)  # no test fails because a machine is slow
settings.load_profile("argus")
