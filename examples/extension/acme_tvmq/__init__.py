"""What Acme adds to tvmq_diag. Never imports tvm; what runs beside TVM is in acme_in_tvm."""
