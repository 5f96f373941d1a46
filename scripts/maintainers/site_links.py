"""Check the built site: every link and picture leads somewhere, and nothing is fetched from elsewhere.

    python -m scripts.maintainers.site_links FOLDER
"""
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    "The ids of a page, and all that it links to or fetches, with its tags"
    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get('id'))
        self.links += [(tag, attrs[name]) for name in ('href', 'src') if attrs.get(name)]


def broken_links(folder):
    "What is wrong with the links in the HTML files of `folder`, a line for each"
    folder, broken = Path(folder).resolve(), []
    pages = {path: Page(path) for path in folder.rglob('*.html') if '_static' not in path.parts}  # the theme's templates are there
    for path, page in pages.items():
        for tag, link in page.links:
            url = urlsplit(link)
            if url.scheme in ('data', 'mailto') or (url.netloc and tag == 'a'): continue
            target = (path.parent/unquote(url.path)).resolve() if url.path else path
            if url.netloc: wrong = 'is on another site'
            elif not target.is_file(): wrong = 'does not exist'
            elif url.fragment and unquote(url.fragment) not in getattr(pages.get(target), 'ids', ()): wrong = 'has no such anchor'
            else: continue
            broken.append(f'{path.relative_to(folder).as_posix()}: {link} {wrong}')
    return broken


if __name__ == '__main__':
    if broken := broken_links(sys.argv[1]): sys.exit('\n'.join(broken))
    print(f'The site is in {(Path(sys.argv[1])/"index.html").resolve().as_uri()}')
