"""Runs the command as `python -m cli`, where no script is installed."""

from cli.main import app

if __name__ == "__main__":
    app()
