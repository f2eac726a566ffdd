"""Market data: importers, catalog, calendars, readers, quality, coverage."""
