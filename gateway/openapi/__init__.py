"""OpenAPI 3.1 of everything the gateway serves, made from the contract and the dialects, and the page that shows it."""
