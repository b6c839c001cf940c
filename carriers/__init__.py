"""Programs that speak `CarrierService`: each a process of its own that knows the contract and nothing of the hub."""
