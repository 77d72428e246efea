"""What each part of a page shows, worked out from plain data."""
