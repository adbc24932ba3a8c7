// Which layers do the cone and the plates show? Those in which the marked set is not the one before.

import { boxAround, mapSize } from "./network.js";
import { isEqual } from "./sets.js";
import { grid, hasMap, marked } from "./view.js";

/** @typedef {import("./view.js").View} View */
/**
 * @typedef {{at: number, name: string, units: number[], products: number[][][], box: Array<[number, number]>}} Level
 */

/** Levels shown at most, since they lie within some 150 points of the screen; of more, every second, third … is. */
const MOST = 100;

/** @type {WeakMap<View, {shown: Level[], count: number}>} */
const known = new WeakMap();

/** Those shown, and how many there are. @param {View} view */
function told(view) {
  const seen = known.get(view);
  if (seen) return seen;
  const all = differing(view);
  const result = { shown: thinned(all), count: all.length };
  known.set(view, result);
  return result;
}

/**
 * From the image on, the layers whose marked set differs from the one before, the selected layer always.
 * @param {View} view @returns {Level[]}
 */
export const levels = (view) => told(view).shown;

/** How many there are, shown or not. @param {View} view @returns {number} */
export const levelCount = (view) => told(view).count;

/** @type {WeakMap<object, Array<{at: number, units: number[]}>>} */
const drawable = new WeakMap();

/**
 * Layers that may be drawn, the same for every unit: those with a map that do more than pass positions on.
 * @param {import("./network.js").Design} design
 */
function drawableOf(design) {
  const { nodes } = design;
  const some =
    drawable.get(nodes) ??
    nodes.flatMap(({ reads, form }, at) =>
      at < design.input || passesOn(reads, nodes) || /^(Rearrange|Shift)$/.test(form.type) || !hasMap(design, at)
        ? []
        : [{ at, units: mapSize(design, at) }],
    );
  drawable.set(nodes, some);
  return some;
}

/** @param {View} view @returns {Level[]} */
function differing(view) {
  const { design, marks } = view;
  /** @type {Level[]} */
  const different = [];
  const end = view.state.point ? design.nodes.length - 1 : view.at;
  /** @param {{at: number, units: number[]}} layer */
  function consider({ at, units }) {
    const mark = marks[at];
    if (!mark?.length) return;
    const last = different[different.length - 1];
    if (last && at !== view.at && mark === marks[last.at] && units.every((n, axis) => n === last.units[axis])) return;
    const products = marked(view, at);
    if (last && isSame(last, units, products)) {
      if (at !== view.at) return;
      if (last.at !== design.input) different.pop();
    }
    const box = boxAround(products);
    if (box) different.push({ at, name: design.nodes[at].name, units, products, box });
  }
  let isTold = false;
  for (const layer of drawableOf(design)) {
    if (layer.at >= view.at && !isTold) {
      isTold = true;
      if (layer.at !== view.at) consider({ at: view.at, units: view.units });
    }
    if (layer.at > end) break;
    consider(layer);
  }
  if (!isTold) consider({ at: view.at, units: view.units });
  return different;
}

/**
 * Whether a layer reads one other position by position.
 * @param {import("./field.js").Read[]} reads @param {import("./network.js").Layer[]} nodes
 */
const passesOn = (reads, nodes) =>
  reads.length === 1 && reads[0].relation.kind === "elementwise" && nodes[reads[0].source].reads.length > 0;

/** @param {Level} level @param {number[]} units @param {number[][][]} products */
function isSame(level, units, products) {
  return (
    level.products.length === products.length &&
    level.units.every((n, axis) => n === units[axis]) &&
    level.products.every((product, i) => product.every((set, axis) => isEqual(set, products[i][axis])))
  );
}

/** Evenly fewer, the first and the last kept. @param {Level[]} all @returns {Level[]} */
function thinned(all) {
  const step = Math.ceil(all.length / MOST);
  const last = all.length - 1;
  return step < 2 ? all : all.filter((_, i) => i === 0 || (last - i) % step === 0);
}

/**
 * Where a range of a layer's units lies on the image along an axis, in pixels from its edge.
 * @param {View} view @param {number} at @param {number} axis @param {number} first @param {number} last
 * @returns {[number, number]}
 */
export function span(view, at, axis, first, last) {
  const { first: centre, step } = grid(view.design, at, axis);
  return [centre + step * (first - 0.5), centre + step * (last + 0.5)];
}
