"""A playground and lessons, one offline file each: networks train in the reader's browser, at every strength at once.

    page/play.html, play.css       the frame and its looks; colours and charts are the report page's
    engine.js, engine.wasm.gz        the compiled kernels, and what a page calls them by
    page/datasets.js, table.js     data whose law is known; a reader's own CSV
    page/state.js, words.js        what was chosen, and a link that holds it; English and Chinese
    page/workers.js                the engine's workers, from the page's own text
    page/charts.js, canvases.js    the path, the course; regions, curves and the network
    page/controls.js, play.js, start.js   settings; what a change starts anew; what a reader can press
    page/begin.js                  the playground itself

And "Regularization, step by step", a page of the same engine, workers and charts:

    lessons/lessons.html, lessons.css   the frame and its looks
    lessons/table.json              what is trained, and every number that is said of it
    lessons/sentences.js            English and Chinese
    lessons/trainings.js            paths, courses, and steps by the plain derivative
    lessons/figures.js, lessons.js  charts of their own; the eight lessons
    lessons/school.js               which is shown, its switches, its training, the reader's answer

The scripts of a page are concatenated into two, whose digests alone its policy allows; it loads nothing.
"""

from __future__ import annotations

from ridgewalk.play.page_file import LARGEST, LESSONS, is_play_page, lessons_page, play_page

__all__ = ["LARGEST", "LESSONS", "is_play_page", "lessons_page", "play_page"]
