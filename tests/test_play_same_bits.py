"""A browser's engine gives the bits of Node's: of jobs over layers, losses, penalties and optimizers, and of a path on its workers.

Needs Chromium from the system, Playwright and Node, as tests/test_play_browser.py does.
"""  # noqa: E501

import base64
import hashlib
from pathlib import Path
from typing import Any

from in_node import PackedJobs, found_in_node, needs_node, run_in_node
from ridgewalk.play import play_page
from test_play_engine import CASES, PROBLEM, job_of

pytestmark = needs_node
EVERY = 41  # of all cases
BYTES = (
    "const bytes = Uint8Array.from(atob(document.getElementById('engine-bytes').textContent), (c) => c.charCodeAt(0));"
)
# Numbers as their bits: JSON has no NaN, and rounds nothing.
DIGESTED = """
  const path = await pool.path(problem, { strengths: 6 }).result;
  const arrays = [path.strengths, path.heldoutLoss, path.standardError, path.trainLoss, path.objective, ...path.networks.flat().map(({ values }) => values)];
  return arrays.map((array) => Array.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)));
"""  # noqa: E501


def opened(browser: Any, folder: Path) -> Any:
    file = folder / "play.html"
    file.write_text(play_page(), encoding="utf-8")
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{file.as_uri()}#view=path&epochs=1&strengths=4&folds=2&rows=30")
    page.wait_for_selector("html[data-trained]", state="attached")
    return page


def test_jobs_have_nodes_bits(browser: Any, tmp_path: Path) -> None:
    packed = PackedJobs([job_of(*case) for case in CASES[::EVERY]])
    page = opened(browser, tmp_path)
    body = Path(__file__).with_name("run_jobs.js").read_text(encoding="utf-8")
    script = f"""async ([entries, text]) => {{
      {BYTES}
      const engine = await Engine.instantiate(bytes), all = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const run = () => {{ {body} }};
      let letters = "";
      for (const found of run()) for (const byte of found) letters += String.fromCharCode(byte);
      return btoa(letters);
    }}"""
    found = base64.b64decode(page.evaluate(script, [packed.entries, base64.b64encode(packed.data).decode()]))
    page.close()
    here = found_in_node(packed)
    assert len(found) == len(here) > 10_000
    assert hashlib.sha256(found).hexdigest() == hashlib.sha256(here).hexdigest()


def test_a_path_on_a_pages_workers_has_nodes_bits(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path)
    start = f"""async () => {{
      {BYTES}
      const url = URL.createObjectURL(new Blob([document.getElementById("engine").textContent, "\\nserve(self);"]));
      const pool = new Pool([new Worker(url), new Worker(url)], bytes);
      await pool.ready;
      {PROBLEM} {DIGESTED}
    }}"""
    found = page.evaluate(start)
    page.close()
    here = run_in_node(f"const pool = new Pool(workers(1), bytes); await pool.ready; {PROBLEM} {DIGESTED}", None)
    assert len(found) == len(here) > 25
    assert found == here
