// The answer, in a sentence: what this unit can see, what it uses, how far that is to be trusted.

import { pixelsIn, sizeOf } from "./box.js";
import { fill, h } from "./dom.js";
import { marked, unitName } from "./view.js";
import { changesInWords } from "./steppers.js";
import { axisNames, counted, listed, percent, range, times, whole } from "./words.js";
import { area, boxAround } from "./network.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {import("./view.js").View} View */

/**
 * @param {string[]} [complaints] what a link asks for that is not here
 * @returns {{root: HTMLElement, update: (view: View) => void, complain: (complaints: string[]) => void}}
 */
export function sentencePanel(complaints = []) {
  const main = h("p", { class: "sentence", "aria-live": "polite", "aria-atomic": "true", id: "answer" });
  const more = h("p", { class: "sentence-more" });
  const said = h("p", { class: "complaint", role: "status" });
  const changed = h("p", { class: "changed" });
  const root = h("section", { class: "answer", "aria-label": "Answer" }, main, more, changed, said);
  /** @param {string[]} all */
  function complain(all) {
    said.hidden = !all.length;
    said.textContent = all.length ? `The link asks for what is not here: ${listed(all)}.` : "";
  }
  complain(complaints);
  /** @param {View} view */
  function update(view) {
    const [parts, rest] = problemOf(view) ?? (view.state.point ? ofPoint(view) : ofUnit(view));
    fill(main, parts);
    fill(changed, changeNote(view));
    fill(more, rest);
    root.toggleAttribute("data-preview", view.isPreview);
  }
  return { root, update, complain };
}

/** A layer that a change leaves without a shape. @param {View} view @returns {[Child[], Child[]] | null} */
function problemOf(view) {
  const { problem } = view.layer;
  return problem
    ? [
        [h("span", { class: "unit-name" }, view.layer.name), " has no units after this change."],
        [h("span", { class: "complaint" }, `${problem}.`)],
      ]
    : null;
}

/** What is tried, and whether it holds together. @param {View} view */
function changeNote(view) {
  if (!view.state.edits) return [];
  const { problem } = view.design;
  const words = changesInWords(view.state.edits);
  return [
    h("strong", null, "Changed here: "),
    words,
    problem
      ? h("span", { class: "complaint", role: "alert" }, ` · the network no longer fits: ${problem}`)
      : " · shapes, fields and costs are recomputed; weights would have to be trained anew",
  ];
}

/** @param {string} text */
const strong = (text) => h("strong", null, text);

/** @param {View} view @returns {[Child[], Child[]]} */
function ofUnit(view) {
  const { design, field, box } = view;
  const { units } = view.layer;
  const name = [
    units > 1 ? `All ${whole(units)} units of ` : "",
    h("span", { class: "unit-name" }, unitName(view)),
    units > 1 ? " together" : "",
  ];
  if (!box) return [[name, " sees nothing of the image."], [badge(view)]];
  const isWhole = view.count === view.pixels;
  const size = times(sizeOf(box));
  const on = `${times(design.extent)} px`;
  const reach = isWhole ? ["all of the ", strong(on)] : [strong(size), ` of ${on}`];
  const use = view.isPreview ? null : view.use();
  const half = use?.half && times(sizeOf(use.half));
  const ends = half ? ["; half of what it uses lies in ", strong(half), "."] : ["."];
  const bound = field.bound ? "can see at most " : "can see ";
  return [[name, " ", bound, reach, ends], details(view, isWhole, use)];
}

/** @param {View} view @param {boolean} isWhole @param {import("./view.js").Use | null} use @returns {Child[]} */
function details(view, isWhole, use) {
  const { box, field, design, layer, state } = view;
  /** @type {Child[]} */
  const parts = [badge(view)];
  if (box && !isWhole) {
    parts.push(
      axisNames(box.length)
        .map((name, axis) => `${name} ${range(box[axis])}`)
        .join(", "),
    );
    parts.push(`${percent(view.count / view.pixels)} of the image`);
    const hull = pixelsIn(box);
    if (view.count < hull)
      parts.push(`with holes: ${whole(view.count)} of the ${whole(hull)} pixels between these ends`);
  }
  if (box && !isWhole && field.size.some((n, axis) => n > sizeOf(box)[axis])) {
    // Units of a decoder differ by phase: what others see more does not lie outside.
    parts.push(
      field.irregular
        ? `units of this layer see up to ${times(field.size)}`
        : `its field is ${times(field.size)}, the rest lies outside`,
    );
  }
  if (isWhole && field.size.some((n, axis) => n > design.extent[axis])) parts.push(`its field is ${times(field.size)}`);
  if (layer.field.global && !layer.data.global) {
    parts.push(
      state.gates
        ? `along the data path alone ${times(layer.data.size)}`
        : "through gates or statistics it sees the whole image",
    );
  }
  if (use?.isPending) parts.push("what it uses is being computed");
  else if (use) parts.push(use.mass ? `what it uses: ${use.source}` : `what it uses is not estimated: ${use.reason}`);
  return parts
    .filter(Boolean)
    .flatMap((part, i) => (i ? [h("span", { class: "dot", "aria-hidden": "true" }, " · "), part] : [part]));
}

/** Exact or bound, told by a word and a sign; neither of a network that does not fit together. @param {View} view */
function badge(view) {
  if (view.design.problem) return null;
  const isBound = Boolean(view.field.bound);
  const title = isBound
    ? "An op on the way has no rule: at most this."
    : "Followed through every layer, holes included.";
  return h("span", { class: isBound ? "badge badge-bound" : "badge", title }, isBound ? "≤ bound" : "= exact");
}

/** @param {View} view @returns {[Child[], Child[]]} */
function ofPoint(view) {
  const { state, layer, units } = view;
  const seers = marked(view, view.at);
  const n = area(seers);
  const all = units.reduce((a, b) => a * b, 1);
  const box = boxAround(seers);
  const pixel = h("span", { class: "unit-name" }, `Pixel [${state.point?.join()}]`);
  if (!box) return [[pixel, " is seen by no unit of ", strong(layer.name), "."], [badge(view)]];
  const who =
    n === all ? ["all ", strong(counted(all, "unit"))] : [strong(whole(n)), ` of the ${counted(all, "unit")}`];
  const where = axisNames(box.length)
    .map((name, axis) => `${name} ${range(box[axis])}`)
    .join(", ");
  const readers = view.design.nodes.filter((_, i) => i !== view.design.input && view.marks[i]?.length).length;
  return [
    [pixel, " is seen by ", who, " of ", strong(layer.name), "."],
    [
      badge(view),
      view.design.problem ? null : h("span", { class: "dot" }, " · "),
      n === all && all === 1 ? "" : `units in ${where}, ${percent(n / all)} of the map · `,
      `${counted(readers, "layer")} of ${view.design.nodes.length - 1} depend on it`,
    ],
  ];
}
