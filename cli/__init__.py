"""The `crossdock` command; knows the hub only through its contract, its programs and its files."""

import os

# `crossdock up` starts programs beside its gRPC channel and never goes on as a fork, which gRPC would prepare for.
# gRPC reads this when it is imported, so it stands before all other modules.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
