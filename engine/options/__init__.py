"""Options: prices, implied volatility, Greeks, early exercise, chains, payoffs.

Formulas are plain functions of numbers (`normal`, `black`, `implied`, `early_exercise`); `kernels` compiles those very
functions and is imported only when something is computed, so the web process can import all the rest.
"""
