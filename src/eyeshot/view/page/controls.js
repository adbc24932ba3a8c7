// Buttons that several panels have: chips, one of which may be chosen, and names of layers that open them.

import { fill, h } from "./dom.js";
import { shortened } from "./words.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * A small button.
 * @param {Child} words @param {() => void} onclick
 * @param {{isPressed?: boolean, title?: string}} [more] isPressed where it is a switch
 */
export function chip(words, onclick, { isPressed, title } = {}) {
  const pressed = isPressed === undefined ? null : String(isPressed);
  return h("button", { type: "button", class: "chip", "aria-pressed": pressed, title, onclick }, words);
}

/** A row of chips, for one question. @param {string} label @param {string} [kind] @param {...Child} children */
export function chips(label, kind = "chips", ...children) {
  return h("div", { class: kind, role: "group", "aria-label": label }, children);
}

/**
 * Put one chip for each answer into a row.
 * @template T
 * @param {HTMLElement} row @param {ReadonlyArray<readonly [T, Child, string?]>} answers each with its words, its title
 * @param {T} chosen @param {(answer: T) => void} choose
 */
export function offer(row, answers, chosen, choose) {
  fill(
    row,
    answers.map(([answer, words, title]) => chip(words, () => choose(answer), { isPressed: answer === chosen, title })),
  );
}

/** A layer's name, which opens it; the whole of it is the title. @param {string} name @param {() => void} onclick */
export function layerButton(name, onclick) {
  return h("button", { type: "button", class: "row-name", title: name, onclick }, shortened(name));
}
