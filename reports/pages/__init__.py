"""HTML pages, one module a kind of page."""
