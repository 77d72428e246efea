"""What tests share: builders, pages, scripts for TVM's Python. No tests."""
