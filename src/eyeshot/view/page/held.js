// One selection, and what is shown of it: set for good or looked at ahead, drawn once a frame.

import { edited } from "./edit.js";
import { inside } from "./selection.js";

/** @typedef {import("./network.js").Design} Design */
/** @typedef {import("./state.js").State} State */

/**
 * A design with edits, by its number; of changed ones the last is kept, since there is one at a time.
 * @param {Design[]} designs @returns {(at: number, edits: string) => Design}
 */
export function trying(designs) {
  let tried = { key: "", design: designs[0] };
  return (at, edits) => {
    if (!edits) return designs[at];
    const key = `${at} ${edits}`;
    if (tried.key !== key) tried = { key, design: edited(designs[at], edits) };
    return tried.design;
  };
}

/**
 * @param {State} state what is selected first @param {(at: number, edits: string) => Design} designOf
 * @param {(shown: State, isPreview: boolean) => void} draw
 */
export function holding(state, designOf, draw) {
  /** @type {Partial<State> | null} */
  let preview = null;
  let isDue = false;

  /** Draw before long, once, however often it is asked for. */
  function due() {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      render();
    });
  }
  function render() {
    draw(preview ? { ...state, ...preview } : state, preview !== null);
  }
  return {
    get state() {
      return state;
    },
    /** @param {Partial<State>} change */
    set(change) {
      const next = { ...state, ...change };
      state = inside(next, designOf(next.design, next.edits));
      preview = null;
      due();
    },
    /** Show a change that is not made, or no longer. @param {Partial<State> | null} change */
    look(change) {
      if (!change && !preview) return;
      preview = change;
      due();
    },
    due,
    render,
  };
}
