"""One module a task: what the TVM process can be told to do."""
