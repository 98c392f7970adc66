"""Laws of the playground's file: small, alone, its policy no wider than its scripts; its data, tables and links in Node."""  # noqa: E501

import base64
import hashlib
import re
import sys
import webbrowser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from in_node import PLAY, needs_node, run_in_node
from ridgewalk import cli
from ridgewalk.play import LARGEST, is_play_page, play_page

PAGE = PLAY / "page"
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def page() -> str:
    return play_page()


@pytest.fixture
def ridgewalk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in an empty folder; return its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ridgewalk", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return run


def sources(page: str) -> list[str]:
    return re.findall(r"<script(?: id=\"engine\")?>(.*?)</script>", page, re.DOTALL)


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_it_is_small_and_the_same_every_time(page: str) -> None:
    assert len(page.encode()) <= LARGEST
    assert play_page() == page


def policy_of(page: str) -> dict[str, str]:
    """Return the rules of a page's policy by their names."""
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    return dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))


def wanted_policy(page: str) -> dict[str, str]:
    """Return the only rules that a page may have: two scripts, a style, workers of its own, and nothing else."""
    first, second = sources(page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    return {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest(first)}' 'sha256-{digest(second)}' 'wasm-unsafe-eval'",
        "worker-src": "blob:",
        "style-src": f"'sha256-{digest(style)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def leads_elsewhere(page: str) -> list[str]:
    """Return what of a page would ask for something, run a text, or be refused by its policy."""
    found = re.findall(
        r"(?:src|href|action)\s*=\s*[\"'\w]|url\((?!#)|@import", re.sub(r'id="engine-bytes">[^<]*', "", page)
    )
    found += set(re.findall(r"https?://[^\s\"'`)]+", page)) - {"http://www.w3.org/2000/svg"}
    code = re.sub(r"//.*|/\*.*?\*/", "", "".join(sources(page)))
    # A program that is saved has lines of Python, which import, too.
    found += re.findall(r"^\s*import\b|\bimport\s*[(.]", code, re.MULTILINE)
    refused = r"\b(?:eval|Function|fetch)\(|XMLHttpRequest|WebSocket|sendBeacon|innerHTML|localStorage"
    found += re.findall(refused, code)
    found += re.findall(" style=", page)  # the policy would refuse it
    return found + re.findall(r"\son\w+\s*=", re.sub(r"<(style|script)[^>]*>.*?</\1>", "", page, flags=re.DOTALL))


def sentences_of(file: Path) -> list[dict[str, str]]:
    """Return the sentences of a script of words by their keys: the English ones and the Chinese ones."""
    parts = re.split(r"\n  zh: \{|\nObject\.assign\(WORDS\.zh, \{", file.read_text(encoding="utf-8"))
    return [dict(re.findall(r'(?:^|[,{]|\s)"([\w .-]+)": "((?:[^"\\]|\\.)*)"', part)) for part in parts]


def test_its_policy_allows_two_scripts_a_style_and_workers_and_nothing_else(page: str) -> None:
    assert policy_of(page) == wanted_policy(page)


def test_nothing_in_it_leads_elsewhere_or_runs_a_text(page: str) -> None:
    assert leads_elsewhere(page) == []


def test_every_word_has_both_languages_and_every_key_is_known() -> None:
    files = [sentences_of(file) for file in sorted(PAGE.glob("*words.js"))]
    sentences = [{key: said for each in files for key, said in each[number].items()} for number in range(2)]
    assert sentences[0].keys() == sentences[1].keys()
    for key, sentence in sentences[0].items():
        assert set(re.findall(r"\{(\w+)\}", sentence)) >= set(re.findall(r"\{(\w+)\}", sentences[1][key])), key
    script = "".join(path.read_text(encoding="utf-8") for path in PAGE.glob("*.js"))
    asked = set(re.findall(r"\bsay\(\"([\w .-]+)\"", script)) | set(re.findall(r"TableError\(\"([\w-]+)\"", script))
    asked |= set(re.findall(r'data-(?:say|label)="([\w-]+)"', (PAGE / "play.html").read_text(encoding="utf-8")))
    assert asked <= sentences[0].keys(), asked - sentences[0].keys()


def test_the_command_writes_it_and_opens_it(
    ridgewalk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    opened: list[str] = []

    def open_url(url: str) -> bool:
        opened.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", open_url)
    code, out, err = ridgewalk("play", "--no-open")
    assert (code, out) == (0, "")
    assert "To play with: ridgewalk-play.html" in err
    assert (tmp_path / "ridgewalk-play.html").read_text(encoding="utf-8") == page
    assert opened == []
    assert ridgewalk("play", "--out", "mine.html")[0] == 0
    assert ridgewalk("play", "--out", "mine.html")[0] == 0  # one of its own pages is replaced
    assert opened == 2 * [(tmp_path / "mine.html").as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    code, _, err = ridgewalk("play", "--force")
    assert code == 0
    assert "no browser was found" in err


def test_what_it_cannot_write_is_said_in_a_sentence(ridgewalk: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.html").write_text("mine")
    code, _, err = ridgewalk("play", "--out", "notes.html")
    assert code == 1
    assert "notes.html is there already" in err
    assert (tmp_path / "notes.html").read_text() == "mine"
    assert not is_play_page(tmp_path / "notes.html")
    code, _, err = ridgewalk("play", "--out", "nowhere/page.html")
    assert code == 1
    assert "there is no folder nowhere" in err
    code, out, _ = ridgewalk("play", "--help")
    assert code == 0
    assert "--no-open" in out


def test_the_twelve_questions_stand_in_the_docs_as_on_the_page() -> None:
    words = (PAGE / "question_words.js").read_text(encoding="utf-8").split("Object.assign(WORDS.zh")
    for part, file in zip(words, ("docs/play.md", "docs/zh/play.md"), strict=True):
        asked = dict(re.findall(r'"ask-(\d+)": "([^"]*)"', part))
        lines = re.findall(r"^(\d+)\. (.*?) `#ask=(\d+)`", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
        assert [(number, question) for number, question, _ in lines] == list(asked.items())
        assert [link for *_, link in lines] == [str(number) for number in range(1, 13)]


def in_node(names: str, script: str, given: Any = None) -> Any:
    parts = [(PAGE / f"{name}.js").read_text(encoding="utf-8") for name in names.split()]
    return run_in_node("".join(parts) + script, given)


@needs_node
def test_ceilings_are_what_is_known_of_them() -> None:
    spiral, far, moons, waves, none = in_node(
        "datasets",
        'return [["spiral", 0.2], ["xor", 0.1], ["moons", 0.3], ["waves", 0.4], ["rings", 0]].map((each) => ceilingOf(...each));',  # noqa: E501
    )
    assert spiral["accuracy"] == pytest.approx(0.9098, abs=1e-4)  # docs/tutorial.md
    assert spiral["loss"] == pytest.approx(0.2132, abs=1e-4)
    assert far["accuracy"] == pytest.approx(1, abs=2e-3)
    assert waves == {"loss": pytest.approx(0.08), "variance": pytest.approx(0.16)}
    assert none == {"accuracy": 1, "loss": 0}
    assert 0.8 < moons["accuracy"] < 0.95


@needs_node
@pytest.mark.parametrize(("kind", "noise"), [("moons", 0.3), ("rings", 0.2), ("xor", 0.6)])
def test_no_rule_beats_a_ceiling_and_the_best_rule_reaches_it(kind: str, noise: float) -> None:
    """The classes' own densities, estimated from other rows, are right about as often as the ceiling says."""
    ceiling, train, test = in_node(
        "datasets",
        "const [kind, noise] = given, of = (seed) => { const r = drawRows(kind, 20000, noise, seed, true); return [r.x, r.classes]; }; return [ceilingOf(kind, noise), of(1), of(2)];",  # noqa: E501
        [kind, noise],
    )
    known, asked = (np.reshape(each[0], (-1, 2)) for each in (train, test))
    cells = [np.floor((each + 4) / 0.16).astype(int) for each in (known, asked)]
    counts = np.zeros((2, 64, 64))
    np.add.at(counts, (np.array(train[1]), cells[0][:, 0].clip(0, 63), cells[0][:, 1].clip(0, 63)), 1)
    right = counts.argmax(axis=0)[cells[1][:, 0].clip(0, 63), cells[1][:, 1].clip(0, 63)] == np.array(test[1])
    assert ceiling["accuracy"] - 0.03 < right.mean() < ceiling["accuracy"] + 0.008


def read_csv(text: str | bytes, target: int) -> Any:
    raw = list(text if isinstance(text, bytes) else text.encode())
    return in_node(
        "table",
        """try { const table = await readTable(Uint8Array.from(given[0])); const { x, notes, ...made } = await encodeTable(table, given[1]);
        return { of: table.of, notes, ...made, x: Array.from(x) }; } catch (error) { return { failed: error.message, values: error.values }; }""",  # noqa: E501
        [raw, target],
    )


@needs_node
def test_a_table_becomes_numbers() -> None:
    lines = ['age;town;"no, te";grade;same;who']
    lines += [
        f'{k},5;{"hier" if k % 3 else "dort"};"a ""{k % 2}""";{"hoch" if k % 4 else "tief"};1;name{k}'
        for k in range(40)
    ]
    lines[5] = lines[5].replace("4,5", "NA")
    made = read_csv("\ufeff" + "\r\n".join(lines), 3)
    assert made["names"] == ["age", "age = ∅", "town = dort", 'no, te = a "1"']
    assert made["classNames"] == ["hoch", "tief"]
    assert made["rows"] == 40
    x = np.reshape(made["x"], (40, 4))
    np.testing.assert_array_equal(x[0], [0.5, 0, 1, 0])
    assert x[4, 1] == 1
    assert x[4, 0] == pytest.approx(np.delete(np.arange(40) + 0.5, 4).mean())
    assert [note for note, _ in made["notes"]] == ["csv-left-constant", "csv-left-names"]
    assert read_csv("a\tb\n" + "\n".join(f"{k}\t{k * k}" for k in range(30)), 1)["numbers"][5] == 25


@needs_node
@pytest.mark.parametrize(
    ("text", "target", "failed"),
    [
        ("", 0, "csv-empty"),
        ("  \n ", 0, "csv-empty"),
        (b"PK\x03\x04\x00\x00\x00\x00", 0, "csv-binary"),
        ("a\n" + "1\n" * 30, 0, "csv-one-column"),
        ("a,b\n" + "1,2\n" * 8, 1, "csv-short"),
        ("a,b\n" + "1,2\n" * 30 + "1,2,3\n", 1, "csv-ragged"),
        ('a,b\n"1,2\n' + "1,2\n" * 30, 1, "csv-quote"),
        ('a,b\n"1"x,2\n' + "1,2\n" * 30, 1, "csv-quote"),
        ("a,b\n" + "1,2\n" * 30, 1, "csv-constant"),
        ("a,b\n" + "\n".join(f"{k},w{k}" for k in range(60)), 1, "csv-classes"),
        ("a,b\n" + "\n".join(f"1,{k}" for k in range(60)), 1, "csv-no-inputs"),
    ],
)
def test_a_broken_table_is_named(text: str | bytes, target: int, failed: str) -> None:
    assert read_csv(text, target)["failed"] == failed


@needs_node
def test_a_link_holds_a_state_and_nothing_that_is_not_one() -> None:
    ways = in_node(
        "datasets state",
        """const back = (hash) => stateOf(hash), first = { ...structuredClone(STATE), data: "moons", hidden: [8, 4], factors: [1, 0.5, 1, 1], mix: 0.25, rate: 0.02, strength: 7, view: "live", lang: "zh", noise: 0.35 };
        return [first, back("#" + hashOf(first)), hashOf(STATE), back("#rows=1e9&data=<b>&noise=NaN&hidden=8-x&toString=1&__proto__=2&mix=2&strength=&rate="), STATE, back("#hidden=").hidden];""",  # noqa: E501
    )
    assert ways[1] == ways[0]
    assert ways[2] == ""
    assert ways[3] == ways[4]
    assert ways[5] == []
