"""Writing down what TVM does, pass by pass, without ever breaking it."""
