// Tables as all panels have them: one row of heads, a name before each row, numbers to the right.

import { h } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */

/** The head of a column. @param {Child} words @param {string | null} [kind] */
export const column = (words, kind = null) => h("th", { scope: "col", class: kind }, words);

/** The head of a column of numbers. @param {...Child} words */
export const numbers = (...words) => column(words, "number");

/** What a row is of. @param {Child} words @param {string | null} [kind] */
export const named = (words, kind = null) => h("th", { scope: "row", class: kind }, words);

/** A cell with a number. @param {Child} words @param {string} [kind] */
export const number = (words, kind = "number") => h("td", { class: kind }, words);

/** A cell with a bar as long as a share of 1. @param {number} share @param {Child} words @param {string} [kind] */
export const bar = (share, words, kind = "bar-cell") => h("td", { class: kind, "--share": share.toFixed(4) }, words);

/** @param {...Child} cells */
export const row = (...cells) => h("tr", null, cells);

/**
 * @param {string} kind @param {string} caption @param {Child} heads @param {Child} rows table rows, or the body itself
 * @param {Child} [foot] rows
 */
export function table(kind, caption, heads, rows, foot) {
  const body = rows instanceof HTMLTableSectionElement ? rows : h("tbody", null, rows);
  const head = h("thead", null, row(heads));
  return h("table", { class: kind }, h("caption", null, caption), head, body, foot ? h("tfoot", null, foot) : null);
}

/**
 * A table whose cells stand below each other on phones. Browsers take layout for meaning and no longer call it a table
 * then, so that its parts say what they are.
 * @param {HTMLTableElement} element
 */
export function stacked(element) {
  element.classList.add("stacked");
  const roles = { table: [element], rowgroup: ["thead", "tbody", "tfoot"], row: ["tr"], cell: ["td"] };
  for (const [role, parts] of Object.entries({
    ...roles,
    rowheader: ["th[scope=row]"],
    columnheader: ["th[scope=col]"],
  }))
    for (const part of parts)
      for (const each of typeof part === "string" ? element.querySelectorAll(part) : [part])
        each.setAttribute("role", role);
  return element;
}

/** What may be wider than its column, reached by keyboard too. @param {string} what @param {Child} child */
export function scrollable(what, child) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${what}, scrollable` }, child);
}
