// Twelve questions on what a path is: each is a state of the page that answers it, and says where to look.

function drawQuestions() {
  const place = at("questions"), { ask } = page.state;
  if (!place) return;
  const link = (_, k) => html("li", {}, html("a", { href: `#ask=${k + 1}`, ...(ask === k + 1 ? { "aria-current": "true" } : {}) }, say(`ask-${k + 1}`)));
  at("questions-list").replaceChildren(...QUESTIONS.map(link));
  at("ask").hidden = !ask;
  at("ask").replaceChildren(...(ask ? [html("b", {}, `${ask}. ${say(`ask-${ask}`)}`), ` ${say(`look-${ask}`)}`] : []));
  for (const each of document.querySelectorAll(".asked")) each.classList.remove("asked");
  if (ask) at(QUESTIONS[ask - 1].place)?.classList.add("asked");
}
