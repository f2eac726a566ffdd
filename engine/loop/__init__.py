"""What goes on by itself: workers that do queued jobs."""
