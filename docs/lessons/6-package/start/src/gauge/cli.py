"""The command line."""

from importlib import resources


def main():
    """Print the highest level."""
    text = (resources.files(__package__) / "levels.csv").read_text()
    print(max(map(int, text.split())), "cm")
