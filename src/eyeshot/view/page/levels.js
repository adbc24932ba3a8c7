// Which layers do the cone and the plates show? Those in which the marked set is not the one before.

import { boxAround } from "./network.js";
import { grid, hasMap, marked } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {{at: number, name: string, units: number[], products: number[][][], box: Array<[number, number]>}} Level */

/**
 * From the image on, the layers whose marked set differs from the one before, the selected layer always.
 * @param {View} view @returns {Level[]}
 */
export function levels(view) {
  const { design } = view;
  /** @type {Level[]} */
  const found = [];
  let before = "";
  const end = view.state.point ? design.nodes.length - 1 : view.at;
  for (let at = design.input; at <= end; at++) {
    if (!view.marks[at]?.length || (!hasMap(design, at) && at !== view.at)) continue;
    const products = marked(view, at), box = boxAround(products);
    if (!box) continue;
    const units = design.nodes[at].places.map((place) => (place === null ? 1 : design.nodes[at].shape[place]));
    const key = `${units}|${products.map((product) => product.join(";")).join("|")}`;
    if (key === before && at !== view.at) continue;
    if (key === before && found.length && found[found.length - 1].at !== design.input) found.pop();
    before = key;
    found.push({ at, name: design.nodes[at].name, units, products, box });
  }
  return found;
}

/** Where a range of a layer's units lies on the image along an axis, in pixels from its edge. @param {View} view @param {number} at @param {number} axis @param {number} first @param {number} last @returns {[number, number]} */
export function span(view, at, axis, first, last) {
  const { first: centre, step } = grid(view.design, at, axis);
  return [centre + step * (first - 0.5), centre + step * (last + 0.5)];
}
