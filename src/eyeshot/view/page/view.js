// What a state shows: the marks of the selected unit or point, on the image and in every layer. Computed once per
// state.

import { area, boxAround, mapSize, onMap, seenBy, seersOf } from "./network.js";

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./network.js").Layer} Layer */
/** @typedef {import("./state.js").State} State */

/**
 * @typedef {object} View
 * @property {State} state
 * @property {Design} design
 * @property {number} at index of the layer
 * @property {Layer} layer
 * @property {number[]} units how many units the layer has along each axis
 * @property {import("./network.js").Field} field what the layer's units see, along the paths that are followed
 * @property {Array<import("./field.js").Mark | undefined>} marks by layer
 * @property {number[][][]} seen on the image, as products
 * @property {Array<[number, number]> | null} box around what is seen
 * @property {number} count pixels seen
 * @property {number} pixels of the image
 * @property {boolean} isPreview
 * @property {() => Use} use the effective field of the unit
 */

/**
 * @typedef {object} Use
 * @property {import("./density.js").Mass | null} mass
 * @property {string} reason why there is none
 * @property {Array<[number, number]> | null} half the box that holds half of it
 * @property {Array<[number, number]> | null} most the box that holds 95 % of it
 * @property {boolean} gates whether gates and statistics are followed, too
 * @property {string} source how it was found, in words
 * @property {boolean} isMeasured
 * @property {boolean} [isPending] it is still being computed
 */

/**
 * @param {State} state @param {Design} design @param {boolean} isPreview
 * @param {(design: Design, at: number, unit: number[]) => Use} useOf
 * @returns {View}
 */
export function viewOf(state, design, isPreview, useOf) {
  const at = state.layer;
  const layer = design.nodes[at];
  const isBroken = Boolean(layer.problem);
  const marks = isBroken
    ? []
    : state.point
      ? seersOf(design, state.point, state.gates)
      : seenBy(design, at, state.unit, state.gates);
  const seen = state.point ? [state.point.map((n) => [n, n])] : onMap(design, design.input, marks[design.input]);
  /** @type {Use | undefined} */
  let known;
  return {
    state,
    design,
    at,
    layer,
    marks,
    seen,
    isPreview,
    units: mapSize(design, at),
    field: state.gates ? layer.field : layer.data,
    box: boxAround(seen),
    count: area(seen),
    pixels: design.extent.reduce((a, b) => a * b, 1),
    use: () => (known ??= useOf(design, at, state.unit)),
  };
}

/** What of a layer is marked, on its map. @param {View} view @param {number} at @returns {number[][][]} */
export function marked(view, at) {
  return onMap(view.design, at, view.marks[at]);
}

/**
 * Whether a layer has a map whose units lie over the image.
 * @param {Design} design @param {number} at @returns {boolean}
 */
export function hasMap(design, at) {
  const { places, shape } = design.nodes[at];
  return places.some((place) => place !== null && shape[place] > 1);
}

/**
 * Where units lie on the image along one axis, as the centre of unit 0's field and the step to the next, in pixels from
 * the image's edge; by proportion where there is no common step.
 * @param {Design} design @param {number} at @param {number} axis @returns {{first: number, step: number}}
 */
export function grid(design, at, axis) {
  if (at === design.input) return { first: 0.5, step: 1 };
  const { data } = design.nodes[at];
  const n = mapSize(design, at)[axis];
  const step = data.stride?.[axis];
  const start = data.start?.[axis];
  if (step != null && start != null && !data.irregular) return { first: start + data.size[axis] / 2, step };
  const even = design.extent[axis] / n;
  return { first: even / 2, step: even };
}

/**
 * The unit whose field is centred nearest to a point of the image.
 * @param {Pick<View, "design" | "at" | "units">} view @param {number[]} point
 * @returns {number[]}
 */
export function nearestUnit(view, point) {
  return view.units.map((n, axis) => {
    const { first, step } = grid(view.design, view.at, axis);
    return Math.min(Math.max(Math.round((point[axis] + 0.5 - first) / step), 0), n - 1);
  });
}

/** A unit written: conv5[6,6]; a layer without a map has no position. @param {View} view @returns {string} */
export function unitName(view) {
  const has = hasMap(view.design, view.at);
  return view.layer.name + (has ? `[${view.state.unit.join()}]` : "");
}
