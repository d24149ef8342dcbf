"""The page a browser opens: what textual-serve's script needs of one, and nothing from elsewhere.

textual-serve's own page asks Google for a font, has no title (a tab would show the address, and
with it the token), and takes keys only after a click.
"""

from __future__ import annotations

from html import escape
from string import Template

TITLE = "rolloutctl dashboard"

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>$title</title>
    <link rel="stylesheet" href="${base}static/css/xterm.css">
    <script src="${base}static/js/textual.js"></script>
    <style>
      html, body { height: 100%; margin: 0 }
      body { background: #0c181f; color: #eee; font-family: monospace }
      a { color: #fff }
      .textual-terminal { height: 100% }
      .said { display: none }
      body.-closed .textual-terminal { opacity: 0.3 }
      body.-closed .said {
        display: block; position: absolute; z-index: 20; left: 0; right: 0; top: 40%;
        padding: 1.5em; text-align: center; background: #12232d;
      }
    </style>
    <script>
      addEventListener("load", () => document.querySelector(".xterm-helper-textarea")?.focus());
    </script>
  </head>
  <body>
    <div class="said">This dashboard has ended. <a href="$base">Start it again</a></div>
    <div class="textual-terminal" data-font-size="$size" data-session-websocket-url="$socket"></div>
  </body>
</html>
""")


def page(base: str, websocket: str, font_size: int) -> str:
    """The page below the path `base`, for the websocket at an address."""
    return _PAGE.substitute(
        title=TITLE, base=escape(base), socket=escape(websocket), size=str(font_size)
    )
