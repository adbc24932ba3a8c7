// What panels do to the selection, and which unit is selected after something else has changed.

import { mapSize } from "./network.js";

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./state.js").State} State */
/** @typedef {ReturnType<typeof actionsOf>} Actions */

/** The state with a unit that its layer has. @param {State} state @param {Design} design @returns {State} */
export function inside(state, design) {
  const sizes = mapSize(design, state.layer);
  return { ...state, unit: state.unit.map((n, axis) => Math.min(Math.max(n, 0), Math.max(sizes[axis] - 1, 0))) };
}

/**
 * The unit at the same share of the map after a change.
 * @param {Design} before @param {Design} after @param {State} state
 */
function unitOf(before, after, state) {
  const from = mapSize(before, state.layer);
  const to = mapSize(after, state.layer);
  return to.map((n, axis) => Math.floor(((state.unit[axis] + 0.5) * n) / from[axis]));
}

/**
 * The unit of another layer over the same place of the image, as near as its map allows.
 * @param {Design} design @param {State} state @param {number} layer
 */
function unitOver(design, state, layer) {
  const from = mapSize(design, state.layer);
  const to = mapSize(design, layer);
  return to.map((n, axis) =>
    from[axis] <= 1 ? Math.floor(n / 2) : Math.min(Math.floor(((state.unit[axis] + 0.5) * n) / from[axis]), n - 1),
  );
}

/**
 * What panels ask for, done to a selection: the explorer's and the lesson's.
 * @param {() => State} now the selection
 * @param {(change: Partial<State>) => void} set changes it
 * @param {(change: Partial<State> | null) => void} look shows a change without making it
 * @param {(at: number, edits: string) => Design} designOf
 */
export function actionsOf(now, set, look, designOf) {
  const current = () => designOf(now().design, now().edits);
  /** @param {number} layer @returns {Partial<State>} */
  const selecting = (layer) => (layer === now().layer ? {} : { layer, unit: unitOver(current(), now(), layer) });
  return {
    pick: (/** @type {number} */ layer) => set(selecting(layer)),
    pickAt: (/** @type {number} */ layer, /** @type {number[]} */ unit) => set({ layer, unit, point: null }),
    preview: (/** @type {number | null} */ layer) =>
      look(layer === null || layer === now().layer ? null : selecting(layer)),
    moveTo: (/** @type {number[]} */ unit, /** @type {boolean} */ isPinned) =>
      isPinned ? set({ unit, point: null }) : look({ unit }),
    leave: () => look(null),
    reach: (/** @type {number[]} */ point) => set({ point }),
    setEdits: (/** @type {string} */ edits) =>
      set({
        edits,
        unit: edits === now().edits ? now().unit : unitOf(current(), designOf(now().design, edits), now()),
      }),
    setMove: (/** @type {string} */ move) => set({ move }),
    setUse: (/** @type {string} */ use) => set({ use }),
    setZoom: (/** @type {boolean} */ zoom) => set({ zoom }),
    setAxis: (/** @type {number} */ axis) => set({ axis }),
  };
}
