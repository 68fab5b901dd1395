// What a reader does: search, filter, sort, open a tenant, print.

const controls = document.getElementById("controls");
const list = document.getElementById("found");
const one = document.getElementById("one");
const input = document.getElementById("words");
const order = document.getElementById("sort");
const choices = [...controls.querySelectorAll("select.facet")];
const MOST_PRINTED = 1000;
const NEXT_TO_EVERY = "";

const wantedWords = () => input.value.toLowerCase().split(/\s+/).filter((word) => word);
const wantedFacets = () => choices.map((choice) => (choice.value === NEXT_TO_EVERY ? null : Number(choice.value)));

// The values of a facet with the number of names that each would leave. A facet with one value filters nothing.
function offer(choice, facet, left) {
  const [, every, values] = facets[facet];
  const chosen = choice.value;
  const options = values.map((value, number) => {
    const count = left.has(number) ? left.get(number).size : 0;
    return { value, number, count };
  }).filter(({ number, count }) => count > 0 || String(number) === chosen);
  choice.replaceChildren(made("option", { value: NEXT_TO_EVERY }, every),
    ...options.map(({ value, number, count }) => made("option", { value: number }, `${value} (${said(count)})`)));
  choice.value = chosen;
  choice.parentElement.hidden = values.length < 2;
}

function tell(found) {
  const names = new Set([...found.values()].flat().map((row) => row[NAME]));
  const all = new Set(rows.map((row) => row[NAME]));
  const whole = names.size === all.size ? "all " : `${said(names.size)} of `;
  document.getElementById("shown").textContent = `Showing ${whole}${said(all.size)}.`;
}

function refresh() {
  const { found, left } = search(wantedWords(), wantedFacets());
  list.replaceChildren(...arranged(found, sorts[order.selectedIndex][1]).map(sectionOf));
  if (found.size === 0) list.append(made("p", { class: "aside" }, "Nothing fits the search and the filters."));
  choices.forEach((choice, facet) => offer(choice, facet, left[facet]));
  tell(found);
}

function clear() {
  input.value = "";
  for (const choice of choices) choice.value = NEXT_TO_EVERY;
  refresh();
}

// The part of the address after #, as it was written.
function addressed() {
  const part = location.hash.slice(1);
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function follow() {
  const part = addressed();
  one.hidden = !part.startsWith("tenant:");
  if (!one.hidden) {
    const name = part.slice("tenant:".length);
    one.replaceChildren(...tenantView(name, rowsOf(name)));
    one.setAttribute("aria-labelledby", "one-name");
    one.scrollIntoView();
    document.getElementById("one-name").focus({ preventScroll: true });
    return;
  }
  if (!sections.some(([, anchor]) => anchor === part)) return;
  if (document.getElementById(part) === null) clear();
  document.getElementById(part).scrollIntoView();
  document.getElementById(part).focus({ preventScroll: true });
}

function onKey(event) {
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    input.focus();
  } else if (event.key === "Escape" && controls.contains(event.target)) {
    clear();
    input.focus();
  }
}

// What is printed is what was found, as far as somebody may want to read it on paper.
function beforePrint() {
  for (const section of list.querySelectorAll("section")) section.writeMore(MOST_PRINTED);
}

function start() {
  order.replaceChildren(...sorts.map(([title]) => made("option", {}, title)));
  choices.forEach((choice) => choice.replaceChildren(made("option", { value: NEXT_TO_EVERY })));
  controls.hidden = false;
  refresh();
  input.addEventListener("input", refresh);
  for (const choice of [...choices, order]) choice.addEventListener("change", refresh);
  document.getElementById("clear").addEventListener("click", () => { clear(); input.focus(); });
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", follow);
  window.addEventListener("beforeprint", beforePrint);
  follow();
}

start();
