"""Where shards are computed: threads of this process here; other machines take the same shards."""
