"""Print the highest level."""

from . import io

print(max(io.read("398 412 405")))
