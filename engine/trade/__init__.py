"""What a trade is: every decision and every fill, in plain Python.

`decide.step` decides, `account.apply` alone changes positions, `fills.fill` prices an order against a bar.
The formulas are functions of plain numbers, so that kernels compile the same text instead of restating it.
"""
