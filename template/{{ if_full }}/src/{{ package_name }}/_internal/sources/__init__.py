"""Sources of plugins beside the package and a folder, found by presence, in the order of names.

Each has ``add``: it takes the plugins that were found before, and the folder if one is named,
and gives them with its own, or refuses some.
"""
