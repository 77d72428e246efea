"""What a trace of a TVM quantization is and what it means. Never imports tvm."""

__version__ = "0.1.0"
