"""A playground in one offline file: a network trains in the reader's browser, at every strength of a penalty at once.

    page/play.html, play.css       the frame and its looks; colours and charts are the report page's
    engine.js, engine.wasm.gz        the compiled kernels, and what a page calls them by
    page/datasets.js, table.js     data whose law is known; a reader's own CSV
    page/state.js, words.js        what was chosen, and a link that holds it; English and Chinese
    page/workers.js                the engine's workers, from the page's own text
    page/charts.js, canvases.js    the path, the course; regions, curves and the network
    page/controls.js, play.js, start.js   settings; what a change starts anew; what a reader can press
    page/begin.js                  the playground itself; a lesson begins with a state of its own

The scripts are concatenated into two, whose digests alone the page's policy allows; it loads nothing.
"""

from __future__ import annotations

from ridgewalk.play.page_file import LARGEST, is_play_page, play_page

__all__ = ["LARGEST", "is_play_page", "play_page"]
