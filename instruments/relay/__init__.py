"""Relay, the dialect with TVM's own quantizer: TVM 0.9 to 0.19. See instruments.dialects."""
