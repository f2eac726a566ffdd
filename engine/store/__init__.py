"""The store: what Argus remembers, in SQLite, beside the artifacts of runs.

    store = open_store(load_settings())
    with staged(store, run_id) as folder:        # artifacts are written here
        ...
        commit_run(store, row, folder)           # whole or not at all

Rows are records: nothing outside this package changes one. Every write goes through `db.write`.
"""
