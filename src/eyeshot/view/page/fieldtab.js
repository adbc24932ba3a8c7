// The tab that answers first: cone and picture on one scale, the unit beside them, the plates below.

import { chip } from "./controls.js";
import { fill, h, labelled } from "./dom.js";
import { middle } from "./network.js";
import { conePanel } from "./cone.js";
import { picturePanel } from "./picture.js";
import { planeSize } from "./paint.js";
import { platesPanel } from "./plates.js";
import { hasMap } from "./view.js";
import { NONE, axisNames, fieldStride, range, shortened, times } from "./words.js";

/** @typedef {import("./selection.js").Actions} Actions */
/** @typedef {import("./view.js").View} View */

const LEFT = 16;
const LABELS = 104;

/**
 * @param {Actions} actions
 * @param {HTMLImageElement | null} image
 * @param {{root: HTMLElement, update: (view: View) => void}} steppers
 */
export function fieldTab(actions, image, steppers) {
  const cone = conePanel(actions);
  const picture = picturePanel(actions, image);
  const plates = platesPanel(actions);
  const side = h("div", { class: "side" });
  const keys = h(
    "p",
    { class: "hint", id: "picture-keys" },
    "Move over the picture: the nearest unit’s field. Click pins it. Drag: who sees that pixel. Arrow keys move the " +
      "unit, with Shift the pixel; Esc goes back to the unit.",
  );
  const figure = h("div", { class: "figure" }, cone.root, picture.root);
  const root = h(
    "div",
    { class: "field-tab" },
    h("div", { class: "figure-row" }, h("div", { class: "figure-column" }, figure, cone.note, keys, plates.root), side),
  );
  const unit = unitControls(actions);
  const facts = h("dl", { class: "facts" });
  const legend = h("ul", { class: "legend" });
  fill(side, unit.root, facts, legend, steppers.root);
  const volume = h(
    "p",
    { class: "hint", hidden: true },
    "Rows and columns are shown; what is seen in any plane counts.",
  );
  keys.after(volume);
  let width = 0;
  /** @type {View | null} */
  let last = null;
  new ResizeObserver(() => {
    const now = Math.floor(figure.clientWidth);
    if (Math.abs(now - width) < 2) return;
    width = now;
    if (last) update(last);
  }).observe(figure);

  /** @param {View} view */
  function update(view) {
    last = view;
    width ||= Math.floor(figure.clientWidth);
    if (!width) return;
    const place = placeOf(view, width);
    const [from, to] =
      view.state.axis === view.design.axes.length - 1
        ? place.columns
        : view.state.axis === view.design.axes.length - 2
          ? place.rows
          : [0, view.design.extent[view.state.axis]];
    cone.update(view, {
      left: place.left,
      width: place.width,
      height: view.design.extent.length === 1 ? 240 : 168,
      from,
      to,
    });
    picture.update(view, place);
    plates.update(view);
    volume.hidden = view.design.extent.length < 3;
    if (!view.isPreview) {
      unit.update(view);
      fill(facts, factsOf(view));
      fill(legend, legendOf(view, Boolean(image)));
      steppers.update(view);
    }
  }
  return { root, update };
}

/**
 * Where the picture stands and what of the image it shows: all of it, or what is seen and a margin. It fills its
 * column, but no more than half of the window's height.
 * @param {View} view @param {number} width
 */
function placeOf(view, width) {
  const [n, m] = planeSize(view.design.extent);
  const highest = Math.max(innerHeight / 2, 230);
  const wide = Math.min(Math.max(width - LEFT - LABELS - 4, 120), 560);
  /** @type {[number, number]} */
  let rows = [0, n];
  /** @type {[number, number]} */
  let columns = [0, m];
  if (view.state.zoom && view.box && !view.state.point) {
    const box = view.box.length === 1 ? [[0, 0], view.box[0]] : view.box.slice(-2);
    const side = Math.max(...box.map(([a, b]) => b - a + 1)) * 1.3 + 2;
    [rows, columns] = [around(box[0], side, n), around(box[1], side, m)];
  }
  const shape = n === 1 ? 0 : (rows[1] - rows[0]) / (columns[1] - columns[0]);
  const height = n === 1 ? 48 : Math.min(wide * shape, highest);
  return { left: LEFT, width: Math.round(n === 1 ? wide : height / shape), height: Math.round(height), rows, columns };
}

/**
 * A range of a length around another, inside 0 … size as far as it goes.
 * @param {number[]} range @param {number} length @param {number} size @returns {[number, number]}
 */
function around([first, last], length, size) {
  const long = Math.min(Math.ceil(length), size);
  const start = Math.round((first + last + 1 - long) / 2);
  const from = Math.min(Math.max(start, 0), size - long);
  return [from, from + long];
}

/** Which unit, in numbers. @param {Actions} actions */
function unitControls(actions) {
  const root = h("div", { class: "unit-controls" });
  let key = "";
  /** @type {HTMLInputElement[]} */
  let inputs = [];
  /** @type {View} */
  let current;
  const zoom = chip("zoom in", () => actions.setZoom(!current.state.zoom), { isPressed: false });
  const back = chip("back to the unit", () => actions.moveTo(current.state.unit, true));
  const toMiddle = chip("middle", () => actions.moveTo(middle(current.design, current.at), true));
  /** @param {View} view */
  function update(view) {
    current = view;
    const { state, design, units } = view;
    const names = axisNames(design.axes.length).map((name) => name.replace(/s$/, ""));
    const sizes = state.point ? design.extent : units;
    const at = state.point ?? state.unit;
    const nextKey = `${view.at} ${state.design} ${state.edits} ${Boolean(state.point)}`;
    if (nextKey !== key) {
      key = nextKey;
      inputs = sizes.map((n) =>
        h("input", {
          type: "number",
          min: 0,
          max: n - 1,
          step: 1,
          inputmode: "numeric",
          onchange: read,
          disabled: n === 1,
        }),
      );
      const what = state.point ? "Pixel" : hasMap(design, view.at) ? "Unit" : "Unit (no map)";
      fill(
        root,
        h("span", { class: "control-title" }, what),
        inputs.map((input, axis) => labelled(names[axis], input)),
        state.point ? back : hasMap(design, view.at) ? toMiddle : null,
        state.point ? null : zoom,
      );
    }
    zoom.setAttribute("aria-pressed", String(state.zoom));
    inputs.forEach((input, axis) => {
      if (document.activeElement !== input || Number(input.value) !== at[axis]) input.value = String(at[axis]);
    });
  }
  function read() {
    const { state, design, units } = current;
    const sizes = state.point ? design.extent : units;
    const at = inputs.map((input, axis) =>
      Math.min(Math.max(Math.round(Number(input.value) || 0), 0), sizes[axis] - 1),
    );
    if (state.point) actions.reach(at);
    else actions.moveTo(at, true);
  }
  return { root, update };
}

/** @param {View} view */
function factsOf(view) {
  const { box, design, field, layer, units } = view;
  const names = axisNames(design.axes.length);
  const rows = [
    ["map", times(units)],
    ["stride", field.stride ? `${fieldStride(field)} px` : NONE],
  ];
  if (box && !view.state.point) names.forEach((name, axis) => rows.push([name, range(box[axis])]));
  const use = view.state.point ? null : view.use();
  use?.half?.forEach((ends, axis) => rows.push([`half of use, ${names[axis]}`, range(ends)]));
  rows.push(["op", layer.words]);
  return rows.map(([term, text]) => [h("dt", null, term), h("dd", null, text)]);
}

/** @param {View} view @param {boolean} hasImage */
function legendOf(view, hasImage) {
  const entry = (/** @type {string} */ kind, /** @type {string} */ text) =>
    h("li", null, h("span", { class: `key key-${kind}`, "aria-hidden": "true" }), text);
  if (view.state.point)
    return [entry("point", "the pixel"), entry("reach", `units of ${shortened(view.layer.name, 24)} that see it`)];
  const parts = [entry("outline", "can see"), entry("shade", hasImage ? "cannot see (dimmed)" : "cannot see")];
  if (view.use().mass)
    parts.push(
      entry("heat", "uses, more is brighter"),
      entry("half", "box that holds half of what it uses"),
      entry("most", "box that holds 95 %"),
    );
  return parts;
}
