"""Why nothing fits, and the least that would have to change."""
