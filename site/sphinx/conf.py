"Settings for Sphinx, which makes the site in build/site from build/source"
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for mathematics_and_anchors.py

project = 'mnist37'
language = 'en'
extensions = ['myst_nb', 'sphinx_copybutton', 'mathematics_and_anchors']
source_suffix = {'.ipynb': 'myst-nb', '.md': 'myst-nb'}

nb_execution_mode = 'off'
nb_render_markdown_format = 'gfm'
nb_render_image_options = {'alt': 'Figure made by the code above'}
nb_code_prompt_show, nb_code_prompt_hide = 'show code', 'hide code'
myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 4
myst_heading_slug_func = 'mathematics_and_anchors.jupyter_anchor'
copybutton_selector = 'div.highlight:not(.cell_output *) pre'

html_title = 'mnist37'
html_theme = 'pydata_sphinx_theme'
html_theme_options = {
    'logo': {'text': 'mnist37'},
    'navbar_center': [], 'navbar_end': ['theme-switcher'],
    'secondary_sidebar_items': ['page-toc'],
    'footer_start': [], 'footer_end': [],
}
html_context = {'default_mode': 'auto'}  # light or dark, as the browser is
html_sidebars = {'**': ['contents.html']}
html_favicon = 'static/favicon.svg'
html_static_path, templates_path = ['static'], ['templates']
html_css_files, html_js_files = ['site.css'], [('site.js', {'defer': 'defer'})]
html_extra_path = [str(page) for page in HERE.parent.glob('*.html')]  # the pages to play with
html_show_sourcelink = html_copy_source = False
