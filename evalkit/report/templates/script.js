"use strict";

/* Texts of the run reach the page through textContent only: none of them is ever read as markup. */

const PAGE = 30;
const GLYPHS = "○●◆■▲▼✚";
const data = JSON.parse(document.getElementById("data")?.textContent ?? "null");

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/* A number as the rest of the page sets it: rounded, with the whole one at hand. */
function number(value) {
  const text = value === null ? "–" : value.toFixed(3).replace(/^-(?=0\.000$)/, "").replace("-", "−");
  const made = element("span", "num", text);
  if (value !== null) made.title = made.dataset.value = String(value);
  return made;
}

/* A text with what was searched for marked in it. */
function text(value, query) {
  const made = element("pre");
  made.dir = "auto";
  const low = value.toLowerCase();
  if (!query || low.length !== value.length) {
    made.textContent = value;
    return made;
  }
  let from = 0;
  for (let at = low.indexOf(query); at >= 0; at = low.indexOf(query, from)) {
    made.append(value.slice(from, at), element("mark", "", value.slice(at, at + query.length)));
    from = at + query.length;
  }
  made.append(value.slice(from));
  return made;
}

const OUTCOMES = {
  fixed: ["tuned fixed", "good"],
  broke: ["tuned broke", "bad"],
  right: ["both right", ""],
  wrong: ["both wrong", ""],
  unanswered: ["unanswered", "unsure"],
  unscored: ["not scored", "unsure"],
};

/* What one tuned model changed on an example: its outcome and the difference in the primary score. */
function judge(example, tuned) {
  const base = data.arms[tuned]?.base;
  const before = example.answers[base]?.scores[0] ?? null;
  const after = example.answers[tuned]?.scores[0] ?? null;
  if (!example.answers[base] || !example.answers[tuned]) return { outcome: "", gain: 0 };
  if (before === null || after === null) {
    const answered = [base, tuned].every((arm) => example.answers[arm].text !== null);
    return { outcome: answered ? "unscored" : "unanswered", gain: 0 };
  }
  const better = data.suites[example.suite].better < 0 ? -1 : 1;
  const isRight = (score) => (score >= data.right) === better > 0;
  const outcome = isRight(before)
    ? (isRight(after) ? "right" : "broke")
    : (isRight(after) ? "fixed" : "wrong");
  return { outcome, gain: better * (after - before) };
}

function card(example, judged, query) {
  const suite = data.suites[example.suite];
  const head = element("header", "", element("bdi", "", suite.name), " · ",
    element("bdi", "", example.split), " · ", element("code", "", example.id));
  const [label, tone] = OUTCOMES[judged.outcome] ?? ["", ""];
  if (label) head.append(element("span", `flip ${tone}`, label));
  const asked = element("div", "asked", element("h4", "", "Prompt"), text(example.prompt, query),
    element("h4", "", example.references.length > 1 ? "References" : "Reference"),
    ...example.references.map((reference) => text(reference, query)));
  const told = element("div", "told");
  example.answers.forEach((answer, index) => {
    if (!answer) return;
    const arm = data.arms[index];
    const glyph = element("span", "glyph", GLYPHS[arm.hue]);
    glyph.setAttribute("aria-hidden", "true");
    const title = element("h4", "",
      element("span", `arm hue-${arm.hue}`, glyph, " ", element("bdi", "", arm.name)));
    if (answer.scores.length) {
      const score = number(answer.scores[0]);
      const all = suite.scorers.map((name, i) => `${name} ${answer.scores[i] ?? "–"}`);
      score.title = all.join("\n");
      title.append(score);
    }
    const box = element("div", "", title);
    if (answer.text) box.append(text(answer.text, query));
    if (answer.part) {
      const part = text(answer.part, query);
      part.className = "part";
      box.append(element("p", "turn", element("span", "unit", "scored")), part);
    }
    for (const [by, said] of answer.judged) {
      const remark = text(said, query);
      remark.className = "part";
      box.append(element("p", "turn", element("span", "unit", `judged, ${by}`)), remark);
    }
    if (answer.note) box.append(element("p", "note", answer.note));
    told.append(box);
  });
  return element("article", "example", head, asked, told);
}

/* The example browser. Its state lives in the address, so that a view can be linked to. */
function browse() {
  const form = document.getElementById("filters");
  const list = document.getElementById("list");
  const found = document.getElementById("found");
  const more = document.getElementById("more");
  const haystacks = data.examples.map((e) => [
    e.id, e.prompt, ...e.references, ...e.answers.map((a) => a?.text ?? ""),
  ].join("\n").toLowerCase());
  let hits = [];
  let shown = 0;
  let query = "";

  function field(name) { return form.elements.namedItem(name)?.value ?? ""; }

  function extend() {
    list.append(...hits.slice(shown, shown + PAGE).map((hit) => card(hit.example, hit, query)));
    shown = Math.min(hits.length, shown + PAGE);
    more.hidden = shown >= hits.length;
  }

  function update() {
    query = field("q").trim().toLowerCase();
    const [suite, split, flip, sort] = ["suite", "split", "flip", "sort"].map(field);
    const tuned = Number(field("model"));
    hits = data.examples
      .map((example, index) => ({ example, index, ...judge(example, tuned) }))
      .filter((hit) => (suite === "" || hit.example.suite === Number(suite))
        && (split === "" || hit.example.split === split)
        && (flip === "" || hit.outcome === flip)
        && haystacks[hit.index].includes(query));
    if (sort) hits.sort((a, b) => (sort === "gain" ? b.gain - a.gain : a.gain - b.gain));
    list.replaceChildren();
    shown = 0;
    extend();
    found.textContent = `${hits.length.toLocaleString("en")} of ${data.examples.length.toLocaleString("en")} examples in this page`;
  }

  function restore() {
    const match = /^#examples\?(.*)$/.exec(location.hash);
    if (!match) return false;
    for (const [name, value] of new URLSearchParams(match[1])) {
      const control = form.elements.namedItem(name);
      if (control) control.value = value;
    }
    return true;
  }

  function remember() {
    const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    try {
      history.replaceState(null, "", `#examples?${state}`);
    } catch { /* a frame without an address of its own: nothing to remember */ }
  }

  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { update(); remember(); }, 80);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => {
    const first = shown;
    extend();
    list.children[first]?.querySelector("pre")?.setAttribute("tabindex", "-1");
    list.children[first]?.querySelector("pre")?.focus({ preventScroll: true });
  });
  addEventListener("hashchange", () => { if (restore()) update(); });
  form.hidden = false;
  const linked = restore();
  update();
  if (linked) document.getElementById("examples").scrollIntoView({ behavior: "instant" });
}

/* The contents follow the reader. */
function follow() {
  const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
  const sections = [...document.querySelectorAll("main > section")];
  let current = null;
  const mark = () => {
    const line = innerHeight / 3;
    const passed = sections.filter((section) => section.getBoundingClientRect().top <= line);
    const link = links.get((passed.at(-1) ?? sections[0])?.id);
    if (!link || link === current) return;
    current?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    current = link;
    const bar = link.closest("nav");
    if (bar.scrollWidth > bar.clientWidth) bar.scrollTo({ left: link.offsetLeft - 24 });
  };
  addEventListener("scroll", mark, { passive: true });
  addEventListener("resize", mark, { passive: true });
  mark();
}

/* What is too wide for the screen can be reached and scrolled with the keyboard. */
function reach() {
  const mark = () => {
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", mark, { passive: true });
  document.addEventListener("toggle", mark, { capture: true });
  mark();
}

/* On paper everything is open. */
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

follow();
reach();
if (data) browse();
