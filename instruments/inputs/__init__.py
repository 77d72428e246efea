"""What a compile is given: the model, the data to calibrate on, the target."""
