"""Delivery Solutions' Shipping Order API: its partners' clients create shipments here with another address and key."""
