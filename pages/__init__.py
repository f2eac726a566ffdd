"""The screens of Argus; each file here is one page."""
