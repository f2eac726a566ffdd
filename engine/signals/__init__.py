"""From `signal_logic` to columns: causal, three-valued, one value for every scheduled bar."""
