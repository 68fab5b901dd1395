// How rows become elements. Every text is set as text: nothing of the data is ever read as HTML.

const TONES = ["plain", "warn", "bad"];
const BLOCKS_AT_FIRST = 50, BLOCKS_MORE = 200, NAMES_AT_ONCE = 200, NAMES_BESIDE = 3;

function made(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside.filter((one) => one !== null && one !== ""));
  return element;
}

const said = (number) => number.toLocaleString("en-US");
const anchorOf = (name) => `#tenant:${encodeURIComponent(name)}`;

function mention(row) {
  const name = texts[row[NAME]];
  return row[IS_TENANT] ? made("a", { href: anchorOf(name) }, name) : made("span", {}, name);
}

function turnItem([path, before, after, mark, lowering]) {
  const both = before && after;
  return made("li", {},
    made("code", {}, texts[path]), " ",
    before ? made("del", {}, texts[before]) : "",
    both ? " " : "", both ? made("span", { "aria-hidden": "true" }, "→") : "",
    both ? made("span", { class: "unseen" }, "becomes") : "", both ? " " : "",
    after ? made("ins", {}, texts[after]) : "",
    mark ? " " : "", mark ? made("em", { class: lowering ? "warn" : "aside" }, texts[mark]) : "");
}

function turnList(turns, more) {
  const list = made("ul", { class: "turns" }, ...turns.map(turnItem));
  if (more) list.append(made("li", {}, `and ${said(more)} more`));
  return list;
}

function stepItem([words, tone, marks, reason, rule, details, turns, more]) {
  return made("div", { class: "step" },
    rule ? made("code", {}, texts[rule]) : "", rule ? " " : "",
    made("b", TONES[tone] === "bad" ? { class: "bad" } : {}, texts[words]),
    marks ? " " : "", marks ? made("em", { class: TONES[tone] }, texts[marks]) : "",
    reason ? " " : "", reason ? made("span", { class: "aside" }, texts[reason]) : "",
    turns.length ? turnList(turns, more) : "",
    ...details.map((detail) => made("div", { class: "aside" }, texts[detail])));
}

const SVG = "http://www.w3.org/2000/svg";

function drawing(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function bar(percent, tone, caption) {
  const picture = drawing("svg", {
    class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": caption,
  });
  picture.append(drawing("rect", { class: "track", width: 100, height: 8 }),
    drawing("rect", { class: TONES[tone], width: Math.min(100, percent), height: 8 }));
  return picture;
}

function meterItem([quota, used, limit, percent, tone, effect]) {
  const share = percent === null ? "" : `${percent.toFixed(1)}%`;
  const amounts = limit ? `${texts[used]} of ${texts[limit]}` : `${texts[used]}, no limit`;
  return made("div", { class: "meter" },
    made("code", {}, texts[quota]), made("span", {}, amounts),
    made("span", { class: `number ${TONES[tone]}` }, share),
    percent === null ? "" : bar(percent, tone, `${share} used`),
    effect ? made("span", { class: "aside" }, texts[effect]) : "");
}

function blockDetails(block) {
  return [...block[STEPS].map(stepItem), ...(block[METERS] || []).map(meterItem)];
}

// The rest of the names, written when somebody wants to see them.
function otherNames(members) {
  const list = made("ul", { class: "names" });
  const more = made("button", { type: "button" });
  const box = made("details", {}, made("summary", {}, `and ${said(members.length)} more`), list, more);
  let next = 0;
  const write = () => {
    const some = members.slice(next, next + NAMES_AT_ONCE);
    next += some.length;
    list.append(...some.map((row) => made("li", {}, mention(row))));
    more.hidden = next >= members.length;
    more.textContent = `Show ${said(Math.min(NAMES_AT_ONCE, members.length - next))} more`;
    return some.length;
  };
  more.addEventListener("click", () => {
    const first = list.children.length;
    write();
    list.children[first].querySelector("a, span").focus();
  });
  box.addEventListener("toggle", () => { if (box.open && next === 0) write(); });
  return box;
}

function besides(members) {
  if (members.length === 1) return [];
  if (members.length <= NAMES_BESIDE + 1) return members.slice(1).map((row) => made("div", {}, mention(row)));
  return [otherNames(members.slice(1))];
}

function sourceOf(members) {
  const places = [...new Set(members.map((row) => row[SOURCE]))].filter((number) => number !== 0);
  if (places.length === 0) return "";
  const first = places.map((number) => texts[number]).reduce((one, other) => (other < one ? other : one));
  const more = places.length > 1 ? ` and ${said(places.length - 1)} more` : "";
  return made("div", { class: "aside" }, first + more);
}

function who(members) {
  const project = members.length === 1 ? texts[members[0][PROJECT]] : "";
  return made("th", { scope: "row" }, mention(members[0]), ...besides(members),
    project ? made("div", { class: "aside" }, project) : "", sourceOf(members));
}

function entryRow({ block, members }) {
  return made("tr", {}, who(members), made("td", {}, ...blockDetails(block)));
}

function table(caption, ...bodies) {
  const heads = ["tenants", "actions and reasons"].map((title) => made("th", { scope: "col" }, title));
  return made("table", { class: "plan" }, made("caption", { class: "unseen" }, caption),
    made("thead", { class: "unseen" }, made("tr", {}, ...heads)), ...bodies);
}

const countOf = (entries) => entries.reduce((sum, entry) => sum + entry.members.length, 0);

// A section with its first rows, and a button for more of them.
function sectionOf({ title, anchor, remedy, entries }) {
  const heading = made("h2", { id: anchor, tabindex: "-1" }, `${title} (${said(countOf(entries))})`);
  const body = made("tbody"), more = made("button", { type: "button", class: "more" });
  let next = 0;
  const write = (count) => {
    const some = entries.slice(next, next + count);
    next += some.length;
    body.append(...some.map(entryRow));
    const rest = entries.length - next;
    more.hidden = rest === 0;
    more.textContent = `Show ${said(Math.min(BLOCKS_MORE, rest))} more of ${said(rest)} rows`;
  };
  write(BLOCKS_AT_FIRST);
  more.addEventListener("click", () => {
    const first = body.children.length;
    write(BLOCKS_MORE);
    const link = body.children[first].querySelector("a, summary");
    if (link) link.focus();
  });
  const caption = `${title}: a row for each group with the same actions`;
  const element = made("section", { "aria-labelledby": anchor }, heading,
    ...(remedy ? [made("p", { class: "aside" }, `Next step: ${remedy}.`)] : []), table(caption, body), more);
  element.writeMore = write;
  return element;
}

function factsOf(row) {
  const facts = facets.map(([title, , values], facet) => [
    title, [row[FACETS + facet]].flat().map((value) => values[value]).join(", "),
  ]);
  // The first facet is the heading of the section.
  return [["Project", texts[row[PROJECT]]], ["Source", texts[row[SOURCE]]], ...facts.slice(1)].filter(
    ([, value]) => value,
  );
}

function factList(row) {
  return made("dl", { class: "facts" }, ...factsOf(row).flatMap(
    ([title, value]) => [made("dt", {}, title), made("dd", {}, value)],
  ));
}

// All that the page tells of one tenant.
function tenantView(name, found) {
  const heading = made("h2", { id: "one-name", tabindex: "-1" }, name);
  const back = made("p", {}, made("a", { href: "#controls" }, "All tenants"));
  const parts = found.map((row) => made("div", {},
    made("h3", {}, texts[sections[blocks[row[BLOCK]][SECTION]][0]]), factList(row), ...blockDetails(blocks[row[BLOCK]])));
  const nothing = made("p", {}, "This page tells nothing of this tenant.");
  return [back, heading, ...(parts.length ? parts : [nothing])];
}
