"""What a run is for other programs: an exporter a module, and a table of them in `formats`."""
