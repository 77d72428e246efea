"""What was measured, read back: benchmark, numbers, bisection, and the statistics behind them."""
