// Why that number? The recurrence followed back along the inputs that bind, one term a layer.

import { fill, h } from "./dom.js";
import { NONE, axisNames, fieldSize, listed, times, whole } from "./words.js";

/** @typedef {import("./view.js").View} View */

const MOST_MEETINGS = 4;

/** @param {{pick: (layer: number) => void}} actions */
export function whyPanel(actions) {
  const root = h("div", { class: "why-tab" });
  let key = "", axis = 0;
  /** @param {View} view */
  function update(view) {
    const nextKey = `${view.state.design} ${view.state.edits} ${view.at} ${axis}`;
    if (nextKey === key) return;
    key = nextKey;
    const { design, layer } = view, found = steps(design, view.at, axis);
    const names = axisNames(design.axes.length);
    const axes = names.length > 1 && differs(design, view.at) ? h("div", { class: "chips", role: "group", "aria-label": "Axis" }, names.map((name, i) =>
      h("button", { type: "button", class: "chip", "aria-pressed": String(i === axis), onclick: () => ((axis = i), update(view)) }, name))) : null;
    const rows = found.filter((each) => each.adds !== undefined);
    const size = rows.length ? rows[rows.length - 1].size : 1;
    if (/** @type {any} */ (layer).isChanged) {
      fill(root, h("p", { class: "lead" }, h("span", { class: "unit-name" }, layer.name), ` sees ${fieldSize(layer.field)} after the change; its reasons are given for networks as they were read. Write the changed design down and ask eyeshot why.`));
      return;
    }
    fill(root,
      h("p", { class: "lead" }, h("span", { class: "unit-name" }, layer.name), ` sees ${fieldSize(layer.field)} pixels of ${times(design.extent)}: each layer adds (k − 1)·d·J, its kernel k and dilation d times the J input pixels that one step before it takes.`),
      axes,
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The recurrence, scrollable" }, h("table", { class: "why" },
        h("caption", null, `From the input to ${layer.name}`),
        h("thead", null, h("tr", null, ["layer", "k", "s", "d", "J before", "adds", "sees"].map((text, i) => h("th", { scope: "col", class: i && i !== 5 ? "number" : null }, text)))),
        h("tbody", null, h("tr", null, h("th", { scope: "row" }, "input"), cells([NONE, NONE, NONE, NONE]), h("td"), h("td", { class: "number" }, "1")),
          rows.map((each) => termRow(each, size, actions))),
        h("tfoot", null, h("tr", null, h("th", { scope: "row" }, "sum"), cells(["", "", "", ""]), h("td", null, size > 1 ? `1 + ${whole(size - 1)}` : ""), h("td", { class: "number" }, whole(size)))))),
      meetings(design, found));
  }
  return { root, update };
}

/** @param {string[]} texts */
const cells = (texts) => texts.map((text) => h("td", { class: "number" }, text));

/** @param {any} each @param {number} size @param {{pick: (layer: number) => void}} actions */
function termRow(each, size, actions) {
  const [k, s, d] = each.window ?? [each.all ? `all ${each.all}` : NONE, NONE, NONE];
  return h("tr", null, h("th", { scope: "row" }, h("button", { type: "button", class: "row-name", title: each.name, onclick: () => actions.pick(each.at) }, [...each.name].length > 40 ? `…${[...each.name].slice(-38).join("")}` : each.name)),
    cells([k, s, d, each.jump ?? NONE]), h("td", { class: "bar-cell", "--share": (each.adding / Math.max(size, 1)).toFixed(4) }, h("span", null, each.adds)), h("td", { class: "number" }, whole(each.size)));
}

/** The steps from the image to a layer. @param {import("./network.js").Design} design @param {number} at @param {number} axis */
export function steps(design, at, axis) {
  const found = [];
  for (let here = at; ; ) {
    const node = design.nodes[here], each = node.why[Math.min(axis, node.why.length - 1)];
    if (!each) break;
    found.push({ ...each, name: node.name, at: here });
    here = each.from;
  }
  found.reverse();
  let before = 1;
  for (const each of found) {
    each.adding = each.size - before;
    before = each.size;
  }
  return found;
}

/** Whether the axes go different ways. @param {import("./network.js").Design} design @param {number} at */
function differs(design, at) {
  for (let here = at; ; ) {
    const { why } = design.nodes[here];
    if (why.length > 1) return true;
    if (!why.length) return false;
    here = why[0].from;
  }
}

/** Which branch binds where branches meet. @param {import("./network.js").Design} design @param {any[]} found */
function meetings(design, found) {
  const meeting = found.filter((each) => each.meeting);
  if (!meeting.length) return null;
  const words = meeting.slice(-MOST_MEETINGS).map((each) => {
    const [[first, size], ...others] = each.meeting;
    return h("li", null, `${each.name} takes the largest: ${design.nodes[first].name} (${whole(size)}) binds, not ${listed(others.map((/** @type {number[]} */ [at, n]) => `${design.nodes[at].name} (${whole(n)})`))}`);
  });
  const more = meeting.length - words.length;
  return [h("ul", { class: "meetings" }, words), more > 0 ? h("p", { class: "hint" }, `and so at ${more} earlier meetings of branches`) : null];
}
