"""Over a zoo of models: each cell in a process of its own, on this machine or on a Dask cluster."""
