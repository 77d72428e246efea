"""The interpreters that have a TVM, and the processes that are started in them."""
