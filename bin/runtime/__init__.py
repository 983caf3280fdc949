"""The run-time of Careline: virtual environment, servers, supervisor, commands.

Standard library only: this package makes the virtual environment it could import from.
"""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
