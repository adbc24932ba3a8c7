// Why that number? The recurrence followed back along the inputs that bind, one term a layer.

import { chips, layerButton, offer } from "./controls.js";
import { fill, h } from "./dom.js";
import { bar, column, named, number, numbers, row, scrollable, table } from "./tables.js";
import { NONE, axisNames, fieldPixels, fieldSize, listed, times, whole } from "./words.js";

/** @typedef {import("./view.js").View} View */

const MOST_MEETINGS = 4;

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./network.js").Why & {name: string, at: number, adding: number}} Step */
/**
 * @typedef {{title: string, size: number, lost: string, units: string, steps: Step[]}} Part a number and the sum that
 * makes it, or the layer from which on there is none
 */

/** @param {{pick: (layer: number) => void}} actions */
export function whyPanel(actions) {
  const root = h("div", { class: "why-tab" });
  let key = "";
  let axis = 0;
  /** @param {View} view */
  function update(view) {
    const nextKey = `${view.state.design} ${view.state.edits} ${view.at} ${axis}`;
    if (nextKey === key) return;
    key = nextKey;
    const { design, layer } = view;
    const names = axisNames(design.axes.length);
    const name = h("span", { class: "unit-name" }, layer.name);
    if (layer.isChanged) {
      fill(
        root,
        h(
          "p",
          { class: "lead" },
          name,
          ` sees ${fieldSize(layer.field)} after the change; its reasons are given ` +
            "for networks as they were read. Write the changed design down and ask eyeshot why.",
        ),
      );
      return;
    }
    const answers = names.map((each, i) => /** @type {const} */ ([i, each]));
    const axes = names.length > 1 && differs(design, view.at) ? chips("Axis") : null;
    if (axes)
      offer(axes, answers, axis, (i) => {
        axis = i;
        update(view);
      });
    fill(
      root,
      h(
        "p",
        { class: "lead" },
        name,
        ` sees ${fieldPixels(layer.field)} of ${times(design.extent)}: each layer adds ` +
          "(k − 1)·d·J, its kernel k and dilation d times the J input pixels that one step before it takes.",
      ),
      axes,
      parts(design, view.at, axis).map((part) => partOf(design, part, layer.name, actions)),
      gateOf(design, layer),
    );
  }
  return { root, update };
}

/** @param {Design} design @param {Part} part @param {string} name @param {{pick: (layer: number) => void}} actions */
function partOf(design, part, name, actions) {
  const title = part.title ? h("h3", null, part.title) : null;
  if (part.lost) {
    return [
      title,
      h(
        "p",
        null,
        `There is no closed form from ${part.lost} on: ${part.units}, so no sum ` +
          `makes the number; the widest of them inside the image sees ${whole(part.size)}.`,
      ),
    ];
  }
  const rows = part.steps.filter((each) => each.adds !== undefined);
  const { size } = part;
  const heads = ["layer", "k", "s", "d", "J before", "adds", "sees"];
  const body = [
    row(named("input"), cells([NONE, NONE, NONE, NONE]), h("td"), number("1")),
    rows.map((each) => termRow(each, size, actions)),
  ];
  const sum = size > 1 ? `1 + ${whole(size - 1)}` : "";
  const foot = row(named("sum"), cells(["", "", "", ""]), h("td", null, sum), number(whole(size)));
  const columns = heads.map((text, i) => (i && i !== 5 ? numbers(text) : column(text)));
  return [
    title,
    scrollable("The recurrence", table("why", `From the input to ${name}`, columns, body, foot)),
    meetings(design, part.steps),
  ];
}

/**
 * Through which gate a layer sees the whole image.
 * @param {Design} design @param {import("./network.js").Layer} layer
 */
function gateOf(design, { gate }) {
  if (!gate) return null;
  const [name, reader] = gate.map((at) => design.nodes[at].name);
  const how =
    name === reader ? `${name} takes statistics over it` : `${name} is weighted by what ${reader} reads of it`;
  return h("p", { class: "hint" }, `With gates and statistics every unit sees the whole image: ${how}.`);
}

/**
 * What a layer sees along one axis, along the data path and, where that is another number, with gates. A number that
 * gates do not change is the data path's, and so is its sum.
 * @param {Design} design @param {number} at @param {number} axis @returns {Part[]}
 */
export function parts(design, at, axis) {
  const { field, data, why, dataWhy } = design.nodes[at];
  const part = (/** @type {string} */ title, /** @type {number} */ size, /** @type {boolean} */ gates) => {
    const reasons = gates ? why : dataWhy;
    const lost = reasons[Math.min(axis, reasons.length - 1)]?.lost;
    const field = lost === undefined ? null : gates ? design.nodes[lost].field : design.nodes[lost].data;
    const side = field?.sides?.[axis];
    return {
      title,
      size,
      units: side ? `each unit sees all ${side} it` : "its units have no even steps in common",
      lost: lost === undefined ? "" : design.nodes[lost].name,
      steps: size ? steps(design, at, axis, gates) : [],
    };
  };
  if (data === field) return [part("", field.size[axis], true)];
  const isAlike = field.size[axis] === data.size[axis];
  const along = part("along the data path", data.size[axis], false);
  return isAlike
    ? [along]
    : [...(data.size[axis] ? [along] : []), part("with gates and statistics", field.size[axis], true)];
}

/** @param {string[]} texts */
const cells = (texts) => texts.map((text) => number(text));

/** @param {Step} each @param {number} size @param {{pick: (layer: number) => void}} actions */
function termRow(each, size, actions) {
  const [k, s, d] = each.window ?? [each.all ? `all ${each.all}` : NONE, NONE, NONE];
  return row(
    named(layerButton(each.name, () => actions.pick(each.at))),
    cells([String(k), String(s), String(d), each.jump ?? NONE]),
    bar(Math.max(each.adding, 0) / Math.max(size, 1), h("span", null, each.adds)),
    number(whole(each.size)),
  );
}

/**
 * The steps from the image to a layer.
 * @param {Design} design @param {number} at @param {number} axis @param {boolean} gates @returns {Step[]}
 */
function steps(design, at, axis, gates) {
  /** @type {Step[]} */
  const taken = [];
  for (let here = at; ;) {
    const node = design.nodes[here];
    const why = gates ? node.why : node.dataWhy;
    const each = why[Math.min(axis, why.length - 1)];
    if (!each) break;
    taken.push({ ...each, name: node.name, at: here, adding: 0 });
    here = each.from;
  }
  taken.reverse();
  let before = 1;
  for (const each of taken) {
    each.adding = each.size - before;
    before = each.size;
  }
  return taken;
}

/** Whether the axes go different ways. @param {Design} design @param {number} at */
function differs(design, at) {
  const first = JSON.stringify(parts(design, at, 0));
  return design.axes.some((_, axis) => JSON.stringify(parts(design, at, axis)) !== first);
}

/** Which branch binds where branches meet. @param {Design} design @param {Step[]} taken */
function meetings(design, taken) {
  const meeting = taken.filter((each) => each.meeting);
  if (!meeting.length) return null;
  const words = meeting.slice(-MOST_MEETINGS).map((each) => {
    const [[first, size], ...others] = /** @type {Array<[number, number]>} */ (each.meeting);
    const rest = listed(others.map(([at, n]) => `${design.nodes[at].name} (${whole(n)})`));
    return h(
      "li",
      null,
      `${each.name} takes the largest: ${design.nodes[first].name} (${whole(size)}) binds, not ${rest}`,
    );
  });
  const more = meeting.length - words.length;
  const earlier = more > 0 ? h("p", { class: "hint" }, `and so at ${more} earlier meetings of branches`) : null;
  return [h("ul", { class: "meetings" }, words), earlier];
}
