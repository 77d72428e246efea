"""A Run in, something to look at out: a page, an index, graphs, the terminal. Needs no TVM."""
