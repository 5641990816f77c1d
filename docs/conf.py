"""How Sphinx builds these pages: `nox -s docs`."""

import sys
from pathlib import Path
from xml.sax.saxutils import escape

from sphinx.application import Sphinx

sys.path[:0] = [str(Path(__file__).parent / "tools"), str(Path(__file__).parents[1] / "tests" / "support")]

project = "copier-datascience"
author = copyright = "The copier-datascience contributors"  # noqa: A001 - Sphinx's name
extensions = ["myst_parser", "notfound.extension"]
exclude_patterns = ["_build", "lessons/*/start", "lessons/*/solution", "preview", "tools"]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "a11y-high-contrast-dark"
suppress_warnings = ["misc.highlighting_failure"]  # some blocks are parts of a file
html_theme = "furo"
html_title = project
html_baseurl = "https://org.github.io/copier-datascience/"  # where Pages publishes the repository
html_copy_source = False
html_theme_options = {
    "source_repository": "https://github.com/org/copier-datascience/",
    "source_branch": "main",
    "source_directory": "docs/",
}
notfound_urls_prefix = "/copier-datascience/"


def _write_generated(app: Sphinx, error: Exception | None) -> None:
    """Write what is no page of Sphinx: notebooks, slides, the preview, the sitemap."""
    if error:
        return
    import lessons  # noqa: PLC0415 - found once the path is set
    import preview  # noqa: PLC0415

    folder = Path(app.outdir)
    lessons.write(folder / "lessons")
    preview.write(folder / "preview")
    pages = sorted(page for page in app.env.found_docs if page != "404")
    urls = "".join(f"<url><loc>{escape(f'{html_baseurl}{page}.html')}</loc></url>\n" for page in pages)
    frame = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    (folder / "sitemap.xml").write_text(f"{frame}{urls}</urlset>\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Write the rest when the pages are built."""
    app.connect("build-finished", _write_generated)
