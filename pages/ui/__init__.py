"""What pages share: the guard, cached reads, views, charts."""
