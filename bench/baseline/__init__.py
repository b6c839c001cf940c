"""What a competent engineer writes first: FastAPI, the SQLAlchemy ORM, one transaction per request."""
