"""How Sphinx builds the site: ``make docs`` writes it to build/docs and needs no network."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import clustersim  # noqa: E402

project = "clustersim"
author = "the clustersim contributors"
version = release = clustersim.__version__
project_copyright = "the clustersim contributors"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "site_pages.generated",
    "site_pages.mathml",
    "site_pages.names",
    "site_pages.offline",
]
root_doc = "index"
source_suffix = {".md": "markdown"}
exclude_patterns = ["site_pages"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"clustersim {release}"
html_static_path = ["site_pages/static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
highlight_language = "text"

# Docstrings are numpydoc with Markdown's single backticks.
default_role = "code"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
toc_object_entries = False
autosummary_generate = False
html_math_renderer = "mathml"
# site_pages.names looks every name up; this one autodoc makes up for a field with bounds.
nitpick_ignore = [("py:class", "types.Annotated")]
