"""The gRPC server: owns the truth and its database, and knows no vendor's JSON."""
