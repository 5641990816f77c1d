"""Draw the pictures of docs/architecture.md from the code: `nox -s docs -- --write` writes them."""

import ast
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

__all__ = ["PICTURES", "modules", "project", "repository"]

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template"
HEIGHT, WIDTH, GAP = 30, 190, 22
ROOMS = ("copying", "questions", "combinations", "updates", "projects", "releases", "documents", "owned", "benchmarks")


def modules() -> dict[str, set[str]]:
    """Give the modules and folders of a rendered model, lean, from the highest layer down, with what each imports."""
    text = (TEMPLATE / "pyproject.toml.jinja").read_text(encoding="utf-8")
    stages = (TEMPLATE / "src" / "{{ package_name }}", TEMPLATE / "{{ if_model }}" / "src" / "{{ package_name }}")
    files = [path for stage in stages for path in stage.rglob("*.py") if not path.stem.startswith("__")]
    imported: dict[str, set[str]] = {}
    for path in sorted(files):
        inside = next(path.relative_to(stage) for stage in stages if path.is_relative_to(stage))
        imported.setdefault(inside.parts[0].removesuffix(".py"), set()).update(_imports(path, len(inside.parts)))
    layers = re.findall(r'^  "\(?(\w+)\)?",$', text.partition("layers = [")[2].partition("\n]")[0], re.MULTILINE)
    order = [layer for layer in layers if layer in imported]
    return {name: {other for other in imported[name] if other in order and other != name} for name in order}


def _imports(path: Path, level: int) -> Iterator[str]:
    """Name what a module takes from the package itself."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == level:
            yield from [node.module.partition(".")[0]] if node.module else [name.name for name in node.names]


def project() -> str:
    """Draw what imports what in a project: arrows point down. All may import errors, so that has none."""
    found = {name: others - {"errors"} for name, others in modules().items()}
    places = {name: place for place, name in enumerate(found)}
    shapes = [_box(10, 10 + place * (HEIGHT + GAP), name) for name, place in places.items()]
    for name, others in found.items():
        for other in sorted(others, key=places.__getitem__):
            start, end = (10 + places[each] * (HEIGHT + GAP) + HEIGHT / 2 for each in (name, other))
            if places[other] == places[name] + 1:
                shapes.append(_line(f"M 105 {start + HEIGHT / 2:g} V {end - HEIGHT / 2 - 2:g}"))
            else:
                far = 230 + 26 * (places[other] - places[name])
                shapes.append(_line(f"M 200 {start + 4:g} C {far} {start:g} {far} {end:g} 204 {end - 4:g}"))
    return _svg(520, 10 + len(found) * (HEIGHT + GAP), "Modules of a project and what they import", shapes)


def repository() -> str:
    """Draw the way from an answer to a wheel, and the rooms of the tests beside it."""
    folders = sorted(path.name for path in TEMPLATE.glob("{{ if_*"))
    columns = [
        ["copier.yml"],
        ["template/", *(f"template/{name}/" for name in folders)],
        ["a project"],
        ["its wheel"],
    ]
    shapes = []
    for column, names in enumerate(columns):
        for row, name in enumerate(names):
            shapes.append(_box(10 + column * 250, 10 + row * (HEIGHT + GAP), name))
        if column:
            shapes.append(_line(f"M {column * 250 - 50} 25 H {column * 250 + 8}"))
    below = 10 + max(map(len, columns)) * (HEIGHT + GAP) + 20
    rooms = [name for name in ROOMS if (ROOT / "tests" / name).is_dir()]
    for place, name in enumerate(rooms):
        shapes.append(_box(10 + place % 4 * 250, below + place // 4 * (HEIGHT + GAP), f"tests/{name}/"))
    return _svg(970, below + -(-len(rooms) // 4) * (HEIGHT + GAP), "From an answer to a wheel, and the tests", shapes)


def _box(x: int, y: int, text: str) -> str:
    middle = f'x="{x + WIDTH / 2:g}" y="{y + HEIGHT / 2 + 4:g}"'
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4" fill="#eef3fa" stroke="#4080d0"/>'
        f'<text {middle} text-anchor="middle">{escape(text)}</text>'
    )


def _line(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="#667" marker-end="url(#end)"/>'


def _svg(width: int, height: int, title: str, shapes: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    end = '<path d="M 0 0 L 8 4 L 0 8 z" fill="#667"/>'
    mark = '<marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    parts = [
        f'{head} role="img" font-family="sans-serif" font-size="13">',
        f"<title>{title}</title>",
        f"<defs>{mark}{end}</marker></defs>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        *shapes,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


PICTURES = {"architecture-repository.svg": repository, "architecture-project.svg": project}
"""File of docs/ -> what draws it."""
