"""What runs inside TVM's process, on its Python: TVM, numpy and the standard library only."""
