"""What bearers of a shipment's links are shown: the tracking page, its QR code, and the label."""
