// Which layers do the cone and the plates show? Those in which the marked set is not the one before.

import { boxAround } from "./network.js";
import { isEqual } from "./sets.js";
import { grid, hasMap, marked } from "./view.js";

/** @typedef {import("./view.js").View} View */
/**
 * @typedef {{at: number, name: string, units: number[], products: number[][][], box: Array<[number, number]>}} Level
 */

/** Levels shown at most; of more, every second, third … is. */
const MOST = 150;

/** @type {WeakMap<View, Level[]>} */
const known = new WeakMap();

/**
 * From the image on, the layers whose marked set differs from the one before, the selected layer always.
 * @param {View} view @returns {Level[]}
 */
export function levels(view) {
  const found = known.get(view) ?? thinned(differing(view));
  known.set(view, found);
  return found;
}

/** @param {View} view @returns {Level[]} */
function differing(view) {
  const { design, marks } = view;
  const { nodes } = design;
  /** @type {Level[]} */
  const found = [];
  const end = view.state.point ? nodes.length - 1 : view.at;
  for (let at = design.input; at <= end; at++) {
    const mark = marks[at];
    const { reads, places, shape } = nodes[at];
    if (
      !mark?.length ||
      (at !== view.at &&
        (passesOn(reads, nodes) || /^(Rearrange|Shift)$/.test(nodes[at].form.type) || !hasMap(design, at)))
    )
      continue;
    const units = places.map((place) => (place === null ? 1 : shape[place]));
    const last = found[found.length - 1];
    if (last && at !== view.at && mark === marks[last.at] && units.every((n, axis) => n === last.units[axis])) continue;
    const products = marked(view, at);
    if (last && isSame(last, units, products)) {
      if (at !== view.at) continue;
      if (last.at !== design.input) found.pop();
    }
    const box = boxAround(products);
    if (box) found.push({ at, name: nodes[at].name, units, products, box });
  }
  return found;
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

/** Evenly fewer, the first and the last kept. @param {Level[]} found @returns {Level[]} */
function thinned(found) {
  const step = Math.ceil(found.length / MOST);
  const last = found.length - 1;
  return step < 2 ? found : found.filter((_, i) => i === 0 || (last - i) % step === 0);
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
