"use strict";
// Which rows of the page's data are wanted. Nothing here touches the document, except to read the data.

const DATA = JSON.parse(document.getElementById("data").textContent);
const { blocks, rows, texts } = DATA;
const { sections, facets, sorts } = DATA.rest;
// A row: [name, block, project, source, is tenant, facet, ...]. A block: [section, rank, steps, meters].
const NAME = 0, BLOCK = 1, PROJECT = 2, SOURCE = 3, IS_TENANT = 4, FACETS = 5;
const SECTION = 0, RANK = 1, STEPS = 2, METERS = 3;

const lowered = new Map();

function lower(number) {
  if (!lowered.has(number)) lowered.set(number, texts[number].toLowerCase());
  return lowered.get(number);
}

function numbersOf(step) {
  const [words, , marks, reason, rule, details, turns] = step;
  return [words, marks, reason, rule, ...details, ...turns.flatMap((turn) => turn.slice(0, 4))];
}

function textOf(block) {
  const meters = (block[METERS] || []).flatMap((meter) => [meter[0], meter[1], meter[2], meter[5]]);
  return [...block[STEPS].flatMap(numbersOf), ...meters].map(lower).join("\n");
}

const blockTexts = [];

function blockText(number) {
  if (blockTexts[number] === undefined) blockTexts[number] = textOf(blocks[number]);
  return blockTexts[number];
}

function labels(row) {
  return facets.flatMap(([, , values], facet) => [row[FACETS + facet]].flat().map((value) => values[value]));
}

function mentions(row, word) {
  return [NAME, PROJECT, SOURCE].some((place) => lower(row[place]).includes(word))
    || blockText(row[BLOCK]).includes(word)
    || labels(row).some((label) => label.toLowerCase().includes(word));
}

function has(value, wanted) {
  return Array.isArray(value) ? value.includes(wanted) : value === wanted;
}

// The facets of which the row has another value than the wanted one.
function unfit(row, wanted) {
  return facets.map((_, facet) => facet).filter(
    (facet) => wanted[facet] !== null && !has(row[FACETS + facet], wanted[facet]),
  );
}

// The rows that fit, by block; and for each facet, the names that each of its values would leave.
function search(words, wanted) {
  const found = new Map();
  const left = facets.map(() => new Map());
  const count = (row, facet) => {
    for (const value of [row[FACETS + facet]].flat()) {
      if (!left[facet].has(value)) left[facet].set(value, new Set());
      left[facet].get(value).add(row[NAME]);
    }
  };
  for (const row of rows) {
    if (!words.every((word) => mentions(row, word))) continue;
    const missed = unfit(row, wanted);
    if (missed.length > 1) continue;
    if (missed.length === 1) {
      count(row, missed[0]);
      continue;
    }
    facets.forEach((_, facet) => count(row, facet));
    if (!found.has(row[BLOCK])) found.set(row[BLOCK], []);
    found.get(row[BLOCK]).push(row);
  }
  return { found, left };
}

const byName = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
const firstName = (entry) => lower(entry.members[0][NAME]);
const ORDERS = {
  size: (one, other) => other.members.length - one.members.length,
  rank: (one, other) => other.block[RANK] - one.block[RANK],
  name: (one, other) => byName(firstName(one), firstName(other)),
};

// The sections that are not empty, each with its blocks in the wanted order.
function arranged(found, order) {
  const filled = sections.map(([title, anchor, remedy]) => (
    { title: texts[title], anchor, remedy: texts[remedy], entries: [] }));
  for (const [number, members] of found) {
    filled[blocks[number][SECTION]].entries.push({ block: blocks[number], members });
  }
  for (const section of filled) section.entries.sort(ORDERS[order]);
  return filled.filter((section) => section.entries.length > 0);
}

let byTenant = null;

// The rows of a tenant, in the order of the page.
function rowsOf(name) {
  if (byTenant === null) {
    byTenant = new Map();
    for (const row of rows.filter((row) => row[IS_TENANT])) {
      const known = texts[row[NAME]];
      if (!byTenant.has(known)) byTenant.set(known, []);
      byTenant.get(known).push(row);
    }
  }
  return byTenant.get(name) || [];
}
