"""The story that `crossdock demo` tells."""
