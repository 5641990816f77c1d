// The preview: answers from a form, files from data.js, text answers filled in as Jinja fills them in.
"use strict";

const { questions, releases } = window.PREVIEW;
const NEWEST = Object.keys(releases)[0]; // the working tree
const $ = (id) => document.getElementById(id);
const isText = (question) => question.choices.length === 0;

/** Give the answers to the questions that a release asks; a choice that it does not have becomes its first one. */
function asked(answers, release) {
  const found = {};
  for (const { key, when } of questions) {
    const known = releases[release].choices[key];
    const open = Object.entries(when).every(([other, values]) => values.includes(found[other]));
    if (known && open) found[key] = known.length && !known.includes(answers[key]) ? known[0] : answers[key];
  }
  return found;
}

/** Say whether a condition holds; of a text answer it only matters whether it is empty. */
function holds([keys, cases], answers) {
  const texts = new Set(questions.filter(isText).map((question) => question.key));
  const here = keys.map((key) => {
    if (!(key in answers)) return null;
    return texts.has(key) ? (answers[key] ? "given" : "") : answers[key];
  });
  return cases.some((wanted) => wanted.every((value, place) => value === here[place]));
}

/** Write a text as PyYAML does, after a key of so many characters. */
function yaml(text, length) {
  const chars = [...text];
  const words = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|~|null|Null|NULL|<<|=|!|&|\*)$/;
  const numbers = [
    /^[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?$/, /^\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?$/,
    /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/, /^[-+]?\.(?:inf|Inf|INF)$/, /^\.(?:nan|NaN|NAN)$/,
    /^[-+]?0b[0-1_]+$/, /^[-+]?0[0-7_]+$/, /^[-+]?(?:0|[1-9][0-9_]*)$/, /^[-+]?0x[0-9a-fA-F_]+$/,
    /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/, /^\d{4}-\d\d-\d\d$/,
    /^\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::?\d\d)?))?$/,
  ];
  const marked = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?:-](?: |$))|:(?: |$)| #/.test(text);
  const plain = !marked && !words.test(text) && !numbers.some((number) => number.test(text));
  let column = length + (plain ? 2 : 3);
  let out = "";
  chars.join("").split(/( +)/).forEach((piece, place, all) => {
    const inside = place > 0 && place < all.length - 1;
    if (piece === " " && inside && column > 80) {
      out += "\n    ";
      column = 4;
      return;
    }
    const written = plain ? piece : piece.replaceAll("'", "''");
    out += written;
    column += [...written].length;
  });
  return plain ? out : `'${out}'`;
}

const FORMS = {
  raw: (text) => text,
  json: (text) => JSON.stringify(text),
  upper: (text) => text.toUpperCase(),
  dashed: (text) => text.replaceAll("_", "-"),
  yaml: (text, key) => yaml(text, key.length),
};

/** Fill text answers into the holes. */
function fill(text, answers) {
  return text.replace(/\x02(\w+) (\w+)\x03/g, (_, key, form) => FORMS[form](answers[key] ?? "", key));
}

/** Give each file of the project by its path: its content and its class. */
function project(answers, release) {
  const { conditions, files } = releases[release];
  const held = conditions.map((condition) => holds(condition, answers));
  const found = new Map();
  for (const file of files) {
    const parts = file.parts.filter(([condition]) => held[condition]);
    if (!parts.length) continue;
    const text = parts.map(([, part]) => part).join("");
    found.set(fill(file.path, answers), { text: fill(text, answers), owner: file.owner });
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Quote a word for a shell. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

function command(answers, release) {
  const words = Object.entries(answers).flatMap(([key, value]) => ["--data", `${key}=${value}`]);
  const version = release === NEWEST ? [] : ["--vcs-ref", release];
  return ["copier", "copy", "--defaults", ...version, ...words, "gh:org/copier-datascience", "my-project"].map(quoted).join(" ");
}

/** Compare two texts by line: [sign, line] pairs, from the longest common subsequence. */
function difference(before, after) {
  const [a, b] = [before, after].map((text) => text.split("\n"));
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const best = Array.from({ length: x.length + 1 }, () => new Uint32Array(y.length + 1));
  for (let i = x.length - 1; i >= 0; i -= 1) {
    for (let j = y.length - 1; j >= 0; j -= 1) {
      best[i][j] = x[i] === y[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const found = a.slice(0, start).map((line) => [" ", line]);
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && x[i] === y[j]) { found.push([" ", x[i]]); i += 1; j += 1; }
    else if (j >= y.length || (i < x.length && best[i + 1][j] >= best[i][j + 1])) { found.push(["-", x[i]]); i += 1; }
    else { found.push(["+", y[j]]); j += 1; }
  }
  return [...found, ...a.slice(a.length - end).map((line) => [" ", line])];
}

const TOKENS = /("""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(#[^\n]*)|\b(and|as|assert|async|await|class|def|del|elif|else|except|finally|for|from|if|import|in|is|lambda|not|or|pass|raise|return|try|while|with|yield|None|True|False|true|false|null)\b/g;

/** Put a text into an element, with strings, comments and keywords marked. */
function highlight(element, text, code) {
  element.replaceChildren();
  let last = 0;
  for (const match of code ? text.matchAll(TOKENS) : []) {
    element.append(text.slice(last, match.index));
    const span = document.createElement("span");
    span.className = match[1] ? "s" : match[2] ? "c" : "k";
    span.textContent = match[0];
    element.append(span);
    last = match.index + match[0].length;
  }
  element.append(text.slice(last));
}

let kept = null; // the project that is compared with
let open = "README.md";
let shown = new Map();

const typed = () => Object.fromEntries(questions.map(({ key }) => [key, $(`answer-${key}`).value]));

/** Show a file, or how it differs from the one that is compared with. */
function showFile(path) {
  open = path;
  const [now, before] = [shown.get(path)?.text, kept?.get(path)?.text];
  $("name").textContent = `${path}${kept ? (now === before ? " (no difference)" : " (difference)") : ""}`;
  if (kept && now !== before) {
    const lines = difference(before ?? "", now ?? "").map(([sign, line]) => {
      const span = document.createElement("span");
      span.className = { "+": "plus", "-": "minus" }[sign] ?? "";
      span.textContent = `${sign} ${line}\n`;
      return span;
    });
    $("content").replaceChildren(...lines);
  } else {
    highlight($("content"), now ?? "", !/\.(md|csv)$|LICENSE$|METADATA$/.test(path));
  }
  for (const button of $("tree").querySelectorAll("button")) {
    button.toggleAttribute("aria-current", button.dataset.path === path);
  }
}

/** Build the tree: a list in a list for each folder, a button for each file. */
function tree(paths) {
  const top = document.createElement("ul");
  const folders = new Map([["", top]]);
  const folder = (path) => {
    if (folders.has(path)) return folders.get(path);
    const [item, list] = [document.createElement("li"), document.createElement("ul")];
    item.append(`${path.slice(path.lastIndexOf("/") + 1)}/`, list);
    folder(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "").append(item);
    folders.set(path, list);
    return list;
  };
  for (const path of paths) {
    const [item, button, note] = ["li", "button", "small"].map((name) => document.createElement(name));
    const changed = kept && (!kept.has(path) ? "new, " : !shown.has(path) ? "gone, " : kept.get(path).text !== shown.get(path).text ? "changed, " : "");
    button.type = "button";
    button.dataset.path = path;
    button.textContent = path.slice(path.lastIndexOf("/") + 1);
    button.addEventListener("click", () => showFile(path));
    note.textContent = ` ${changed || ""}${(shown.get(path) ?? kept.get(path)).owner}`;
    item.append(button, note);
    folder(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "").append(item);
  }
  return top;
}

/** Show what the answers give. */
function update() {
  const release = $("release").value;
  const now = asked(typed(), release);
  for (const { key } of questions) $(`label-${key}`).hidden = !(key in now);
  shown = project(now, release);
  const paths = [...new Set([...shown.keys(), ...(kept?.keys() ?? [])])].sort();
  const changed = kept ? paths.filter((path) => kept.get(path)?.text !== shown.get(path)?.text) : [];
  $("status").textContent = kept ? `${shown.size} files, ${changed.length} differ` : `${shown.size} files`;
  $("command").textContent = command(now, release);
  $("tree").replaceChildren(tree(kept ? changed : paths));
  showFile(kept ? (changed.includes(open) ? open : changed[0] ?? open) : shown.has(open) ? open : "README.md");
}

for (const release of Object.keys(releases)) $("release").append(new Option(release, release));
for (const question of questions) {
  const label = document.createElement("label");
  const [name, input] = [document.createElement("b"), document.createElement(isText(question) ? "input" : "select")];
  label.id = `label-${question.key}`;
  input.id = `answer-${question.key}`;
  label.htmlFor = input.id;
  name.textContent = question.key;
  for (const choice of question.choices) input.append(new Option(choice, choice));
  input.value = question.default;
  if (isText(question)) input.placeholder = question.placeholder;
  label.append(name, question.help, input);
  $("form").append(label);
}
$("form").addEventListener("input", update);
$("form").addEventListener("submit", (event) => event.preventDefault());
$("keep").addEventListener("click", () => { kept = shown; $("forget").hidden = false; update(); });
$("forget").addEventListener("click", () => { kept = null; $("forget").hidden = true; update(); });
update();
