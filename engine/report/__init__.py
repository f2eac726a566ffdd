"""What a run leaves behind: tables, tearsheets and the files of its artifacts."""
