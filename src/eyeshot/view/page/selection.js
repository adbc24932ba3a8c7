// Which unit is selected after something else has changed: the layer, the design, its shapes.

import { mapSize } from "./network.js";

/** @typedef {import("./state.js").State} State */

/** The state with a unit that its layer has. @param {State} state @param {any} design @returns {State} */
export function inside(state, design) {
  const sizes = mapSize(design, state.layer);
  return { ...state, unit: state.unit.map((n, axis) => Math.min(Math.max(n, 0), Math.max(sizes[axis] - 1, 0))) };
}

/** The unit at the same share of the map after a change. @param {any} before @param {any} after @param {State} state */
export function unitOf(before, after, state) {
  const from = mapSize(before, state.layer), to = mapSize(after, state.layer);
  return to.map((n, axis) => Math.floor(((state.unit[axis] + 0.5) * n) / from[axis]));
}

/** The unit of another layer over the same place of the image, as near as its map allows. @param {any} design @param {State} state @param {number} layer */
export function unitOver(design, state, layer) {
  const from = mapSize(design, state.layer), to = mapSize(design, layer);
  return to.map((n, axis) => (from[axis] <= 1 ? Math.floor(n / 2) : Math.min(Math.floor(((state.unit[axis] + 0.5) * n) / from[axis]), n - 1)));
}
